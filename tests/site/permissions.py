"""Who gets what at which address, by method: the table that docs/PERMISSIONS.md shows and a test tries.

    python -m tests.site.permissions > docs/PERMISSIONS.md

A new address needs a line in `METHODS_OF`; for whom it is, tests/site/house.py says.
"""

import os

G, P, GP, FORM = ("GET",), ("POST",), ("GET", "POST"), ("GET", "POST", "PUT")  # Django's forms take PUT too
METHODS_OF: dict[str, tuple[str, ...]] = {
    # Pages for everybody.
    **dict.fromkeys(("", "help/", "about/", "privacy/", "offline/", "corrections/"), G),
    **dict.fromkeys(("accounts/inactive/", "accounts/password/reset/done/"), G),
    **dict.fromkeys(("accounts/password/reset/key/done/", "health", "health/ready"), G),
    **dict.fromkeys(("api/schema/", "api/docs/"), G),
    **{"pictures/": GP, "corrections/withdraw/": P, "api/predict": P, "api/predict/stream": P},
    "api/corrections/": GP,
    # One's account.
    **{"account/": FORM, "account/tokens/": GP, "account/tokens/<int:pk>/revoke/": P, "account/data/": G},
    **{"account/data/download/": G, "account/data/delete/": FORM, "account/delete/": FORM},
    **{"accounts/email/": FORM, "accounts/password/change/": FORM, "accounts/sessions/": FORM},
    # One's pictures, corrections, sessions and batches.
    **{"pictures/kept/delete/": GP, "pictures/kept/<int:pk>/delete/": P},
    **{"corrections/<int:pk>/withdraw/": P, "corrections/<int:pk>/crop/": G},
    **{
        "sessions/": G,
        "sessions/<int:pk>/": G,
        "sessions/<int:pk>/rename/": P,
        "sessions/<int:pk>/delete/": GP,
    },
    **{"batches/": G, "batches/<int:pk>/": G, "batches/<int:pk>/cancel/": P, "batches/<int:pk>/retry/": P},
    **{"batches/<int:pk>/delete/": GP, "batches/<int:pk>/pictures/<int:number>/": G},
    "batches/<int:pk>/pictures/<int:number>/small/": G,
    "batches/<int:pk>/pictures/<int:number>/original/": G,
    # Pages for staff.
    **{"training/": G, "training/new/": FORM, "training/<int:pk>/": G},
    **{"training/<int:pk>/cancel/": P, "training/<int:pk>/resume/": P},
    **{
        "datasets/": GP,
        "datasets/<int:pk>/": G,
        "datasets/<int:pk>/check/": P,
        "datasets/<int:pk>/delete/": GP,
    },
    **{"datasets/<int:pk>/samples/": G, "datasets/<int:pk>/samples/<int:sample>/image/": G},
    **{"detectors/": G, "detectors/compare/": G, "detectors/compare/evaluate/": P, "detectors/<int:pk>/": G},
    **{"detectors/<int:pk>/promote/": P, "detectors/<int:pk>/rollback/": P, "detectors/<int:pk>/shadow/": P},
    **{
        "detectors/<int:pk>/shadow/stop/": P,
        "detectors/<int:pk>/speed/": P,
        "detectors/<int:pk>/evaluate/": P,
    },
    "detectors/evaluations/<int:pk>/": G,
    "detectors/evaluations/<int:pk>/pictures/<int:number>/": G,
    **{"corrections/review/": G, "corrections/review/undo/": P, "corrections/review/dataset/": P},
    **{"corrections/review/<int:pk>/": P, "corrections/review/<int:pk>/crop/": G},
    # The API of what is one's own.
    **{"api/predictions/": ("GET", "DELETE"), "api/predictions/<int:pk>/": ("GET", "DELETE")},
    **{"api/predictions/download/": G, "api/predictions/<int:pk>/thumbnail/": G},
    **{"api/batches/": GP, "api/batches/<int:pk>/": ("GET", "DELETE"), "api/batches/<int:pk>/items/": G},
    **{
        "api/batches/<int:pk>/cancel/": P,
        "api/batches/<int:pk>/retry/": P,
        "api/batches/<int:pk>/download/": G,
    },
    "api/batches/<int:pk>/webhook-attempts/": G,
    "api/corrections/<int:pk>/": ("GET", "DELETE"),
    **{"api/live-sessions/": GP, "api/live-sessions/<int:pk>/": ("GET", "PATCH", "DELETE")},
    "api/live-sessions/<int:pk>/download/": G,
    **{"api/tokens/": GP, "api/tokens/<int:pk>/": ("GET", "DELETE")},
    # The API for staff.
    **{"api/detectors/": G, "api/detectors/rollback/": P, "api/detectors/<int:pk>/": G},
    **{"api/detectors/<int:pk>/promote/": P, "api/detectors/<int:pk>/shadow/": ("POST", "DELETE")},
    **{"api/detectors/<int:pk>/speed/": P, "api/detectors/<int:pk>/download/": G},
    "api/detectors/<int:pk>/evaluations/": GP,
    "api/detectors/<int:pk>/evaluations/<int:evaluation>/": G,
    **{"api/datasets/": GP, "api/datasets/<int:pk>/": ("GET", "DELETE"), "api/datasets/<int:pk>/check/": P},
    "api/datasets/<int:pk>/samples/": G,
    **{"api/training-runs/": GP, "api/training-runs/<int:pk>/": G, "api/training-runs/<int:pk>/epochs/": G},
    **{"api/training-runs/<int:pk>/cancel/": P, "api/training-runs/<int:pk>/resume/": P},
}
VISITORS = ("nobody", "owner", "other", "staff", "clerk")
"""By session. Staff has every right, a clerk is staff without any; owner and other are people."""
LET_IN = "yes"
SIGN_IN = "sign in"
NOT_RIGHT = "403"
MISSING = "404"
NO_METHOD = "405"
DECIDING = ("promote/", "rollback/", "shadow/", "shadow/stop/")
"""What takes the right to change detector versions, under detectors/<pk>/ and in the API."""


def expected(address: str, method: str, visitor: str, *, is_staff_only: bool, is_public: bool) -> str:
    """What the visitor gets there: yes (the address does what it is for, or says what it lacks), sign in (a
    redirect), 403, 404 or 405. As a rule a refusal of the visitor comes before one of the method."""
    is_api = address.startswith(("api/", "health"))
    stranger = NOT_RIGHT if is_api else SIGN_IN
    exists = method in METHODS_OF[address]
    if address == "api/corrections/" and method != "POST" and visitor == "nobody":
        return NOT_RIGHT  # anybody sends one, and lists their own
    if address == "api/corrections/<int:pk>/":  # for whoever has its code, without an account too
        return NO_METHOD if not exists else LET_IN if visitor == "owner" else MISSING
    if is_public:
        return LET_IN if exists else NO_METHOD
    if visitor == "nobody":
        return stranger
    if is_staff_only:
        decides = address.endswith(DECIDING) and "detectors/" in address
        # Pages look at the method first, the API at the visitor.
        is_refused = visitor == "clerk" and decides and (exists or is_api)
        if visitor in ("owner", "other") or is_refused:
            return NOT_RIGHT
        return LET_IN if exists else NO_METHOD
    if not exists:
        return NO_METHOD
    return LET_IN if visitor == "owner" or "<" not in address else MISSING


_ABOVE = """\
# Who gets what

Made by `python -m tests.site.permissions > docs/PERMISSIONS.md` from the table that
tests/site/test_permissions.py tries, cell by cell; a new address without a line fails it.

- **yes**: the address does what it is for, or says what the request lacks. **sign in**: a redirect to the
  page where one signs in. **403**, **404**, **405**: these answers.
- *owner* is who the thing in the address belongs to (where there is none: any account, which sees its own
  things only), *other* somebody else with an account, *staff* a member of the staff with every right, *clerk*
  one without any.
- With a token (`Authorization: Bearer hamster_...`) addresses under `/api/` answer as to the account's
  session, but a token makes no tokens (403). All other addresses take no tokens: *nobody*.
- Every method that is not listed (of GET, POST, PUT, PATCH, DELETE) is a 405 or, where the visitor is refused
  first, the same refusal as that of the listed ones.
"""
_BELOW = """
## Sockets

| address | nobody | an account, by session or token | a token that opens nothing |
|---|---|---|---|
| /ws/live/ | yes | yes, with more frames a second | an error, closed with 1008 |
| /ws/jobs/ | an error, closed with 1008 | its own jobs; staff those for staff; others: `gone` | as nobody |

## The rest

Under `/admin/` everything is for staff with the right to it; everybody else is sent to where one signs in, or
gets 403 or 404 (tests/site/test_walls.py walks each of its addresses with every method). Links from mails
(`/accounts/confirm-email/...`, `/accounts/password/reset/key/...`) are for whoever has them. `/metrics` is
for whoever sends METRICS_TOKEN and a 404 for all others. Signing in, out and up, the password's pages, the
language and the files that browsers ask for are for everybody.
"""


def document() -> str:
    """docs/PERMISSIONS.md."""
    from tests.site.house import PUBLIC, STAFF, audience_of

    lines = ["", f"| address | method | {' | '.join(VISITORS)} |", "|---|---|" + "---|" * len(VISITORS)]
    for address, methods in METHODS_OF.items():
        is_public = address in PUBLIC
        is_staff_only = not is_public and audience_of(address) == STAFF
        shown = address.replace("<int:", "&lt;").replace(">", "&gt;")
        for method in methods:
            cells = [
                expected(address, method, visitor, is_staff_only=is_staff_only, is_public=is_public)
                for visitor in VISITORS
            ]
            lines.append(f"| /{shown} | {method} | {' | '.join(cells)} |")
    return _ABOVE + "\n".join(lines) + "\n" + _BELOW


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hamster_site.settings")
    django.setup()
    print(document(), end="")
