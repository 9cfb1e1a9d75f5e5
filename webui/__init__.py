"""The pages a person sees: templates, static files and the hamster. No models of its own."""
