"""The OpenAPI schema says what the API answers; tools/fuzz.py compares the two in earnest."""

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from ml.config import EMOTIONS


@pytest.fixture(scope="module")
def schema() -> dict:
    GENERATOR_STATS.reset()
    made = SchemaGenerator().get_schema(request=None, public=True)
    GENERATOR_STATS.emit_summary()
    return made


def answers(schema: dict, path: str, method: str) -> set[str]:
    return set(schema["paths"][path][method]["responses"])


def test_it_is_made_without_a_warning(schema):
    assert not GENERATOR_STATS, "two components of one name, or something that it can't describe"


def test_refusals_of_tokens_cursors_queries_and_bodies_are_named(schema):
    assert {"400", "401", "403", "404", "406", "429"} <= answers(schema, "/api/datasets/", "get")
    assert {"400", "401", "403", "413", "415", "429"} <= answers(schema, "/api/tokens/", "post")
    assert {"400", "401", "404"} <= answers(schema, "/api/batches/{id}/download/", "get")
    assert answers(schema, "/health", "get") == {"200", "406"}
    assert "404" not in answers(schema, "/api/predictions/", "delete")


def test_it_has_every_value_that_comes(schema):
    components = schema["components"]["schemas"]
    assert components["EmotionEnum"]["enum"] == [*EMOTIONS, "unknown"]
    assert components["ExpressionEnum"]["enum"] == list(EMOTIONS)
    assert components["Detector"]["properties"]["previous"]["nullable"]
    assert "splits" in components["DatasetReport"]["properties"]
    assert "phase" in components["TrainingReport"]["properties"]
    final = components["Correction"]["properties"]["final_label"]["oneOf"]
    assert {one["$ref"].rpartition("/")[2] for one in final} == {"FinalLabelEnum", "BlankEnum"}
