"""REST: views translate, services and the engine do."""
