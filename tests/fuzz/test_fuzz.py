"""A few thousand cases of what `tools/fuzz.py` tries by the hundred thousand, the same ones every time."""

import pytest

from tests.fuzz.archives import Archives
from tests.fuzz.labels import Labels
from tests.fuzz.messages import Messages
from tests.fuzz.parts import Part, run
from tests.fuzz.pictures import Pictures


@pytest.mark.parametrize(
    ("part", "cases"), [(Pictures, 1500), (Labels, 1500), (Archives, 1500), (Messages, 3000)]
)
def test_whatever_comes_is_read_or_refused_with_a_reason(part: type[Part], cases: int, tmp_path):
    assert run(part(tmp_path), cases).cases >= cases
