"""What schemathesis sends as files, and in base64: pictures and archives as the other parts damage them."""

import base64

import schemathesis
from hypothesis import strategies as st

from tests.fuzz.archives import FILES as ARCHIVES
from tests.fuzz.pictures import BASES, FILES

schemathesis.openapi.format("binary", st.sampled_from(BASES) | FILES | ARCHIVES)
schemathesis.openapi.format("byte", FILES.map(base64.b64encode).map(bytes.decode))
