"""Sessions, the second factor and keys on pages: proved, shown once, and one's own alone."""

import base64
import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from accounts.identity import second_factor
from accounts.identity.models import ApiKey, PendingFactor, SignIn
from accounts.identity.tests.conftest import Program, program, user  # noqa: F401 - fixtures
from accounts.identity.tests.test_second_factor import AT, code_of, phone_time  # noqa: F401
from accounts.preferences.tests.test_views import wrong
from accounts.security.places import device_of, place_of
from accounts.tests.factories import PASSWORD, UserFactory
from bengi import clock
from bengi.audit.models import AuditEntry

pytestmark = pytest.mark.django_db
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/131 Safari/537 Edg/131"
PHONE = "Mozilla/5.0 (Linux; Android 15) Chrome/131 Mobile Safari/537"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Version/17 Safari/605"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


def signed_in(user, agent=FIREFOX):  # noqa: F811
    window = Client(headers={"User-Agent": agent})
    window.post("/signin", {"email": user.email, "password": PASSWORD})
    return window


@pytest.fixture
def inside(user):  # noqa: F811
    return signed_in(user)


# -- sessions ------------------------------------------------------------------------------------


def test_this_session_comes_first_and_says_so(inside, user, program):  # noqa: F811
    program.sign_in(user)
    signed_in(user, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604")
    page = inside.get("/settings/sessions").content.decode()
    told = re.findall(r'rows__main"><p class="strong">(.*?)</p>', page)
    assert told[0] == 'Firefox on Linux <span class="chip">This one</span>'
    assert sorted(told[1:]) == ["A program", "Safari on iPhone"]
    assert "127.0.0.1, this machine" in page
    assert page.count(">End<") == 2


def test_sessions_take_one_statement_however_many_there_are(
    inside,
    user,  # noqa: F811
    django_assert_num_queries,
):
    for _ in range(3):
        signed_in(user)
    with django_assert_num_queries(4):
        inside.get("/settings/sessions")


def test_one_session_ends(inside, user):  # noqa: F811
    other = signed_in(user)
    row = SignIn.objects.get(session_key=other.session.session_key)
    inside.post(f"/settings/sessions/{row.id}/end")
    assert other.get("/settings/sessions").status_code == 302
    assert inside.get("/settings/sessions").status_code == 200
    row.refresh_from_db()
    assert row.ended_because == "ended_by_owner"


def test_all_others_end_and_this_one_goes_on(inside, user, program):  # noqa: F811
    other = signed_in(user)
    program.sign_in(user)
    inside.post("/settings/sessions/end-others")
    assert inside.get("/settings/sessions").content.count(b"rows__row") == 1
    assert other.get("/settings/sessions").status_code == 302
    assert SignIn.objects.filter(ended_at=None).count() == 1


def test_nobody_ends_what_is_anothers(inside):
    theirs = signed_in(UserFactory())
    row = SignIn.objects.get(session_key=theirs.session.session_key)
    assert inside.post(f"/settings/sessions/{row.id}/end").status_code == 404
    assert theirs.get("/settings/sessions").status_code == 200


@pytest.mark.parametrize(
    ("agent", "is_program", "words"),
    [
        (FIREFOX, False, "Firefox on Linux"),
        (EDGE, False, "Edge on Windows"),
        (PHONE, False, "Chrome on Android"),
        (MAC, False, "Safari on macOS"),
        ("python-requests/2.34", True, "A program"),
        ("", True, "A program"),
        ("", False, "An unknown browser"),
        ("<script>", False, "An unknown browser"),
    ],
)  # fmt: skip
def test_devices_in_words(agent, is_program, words):
    assert device_of(agent, is_program=is_program) == words


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1", "this machine"),
        ("::1", "this machine"),
        ("::ffff:192.168.1.7", "local network"),
        ("10.0.0.9", "local network"),
        ("fe80::1", "local network"),
        ("8.8.8.8", "internet"),
        ("2606:4700::1111", "internet"),
        ("", "unknown place"),
    ],
)
def test_places_by_address(address, words):
    assert place_of(address) == words


# -- the second factor ---------------------------------------------------------------------------


def set_up(inside):
    """Begin a second factor as a person does, and return the secret that the page shows."""
    inside.post("/settings/second-factor", {"password": PASSWORD})
    page = inside.get("/settings/second-factor").content.decode()
    return re.search(r'mono nobreak">([A-Z2-7 ]+)<', page)[1].replace(" ", "")


def codes_in(answer):
    return re.findall(r'<li class="mono">(\w+)</li>', answer.content.decode())


class TestSecondFactor:
    def test_from_the_password_to_the_codes(self, inside, user):  # noqa: F811
        secret = set_up(inside)
        code = code_of(secret)
        answer = inside.post("/settings/second-factor/confirm", {"code": f"{code[:3]} {code[3:]}"})
        codes = codes_in(answer)
        assert len(codes) == len(set(codes)) == 10
        assert "no-store" in answer["Cache-Control"]
        page = inside.get("/settings/second-factor").content.decode()
        assert "<b>10</b> recovery codes are left" in page
        assert not any(code in page for code in codes)
        assert "is on" in mail.outbox[-1].subject
        later = Client()
        later.post("/signin", {"email": user.email, "password": PASSWORD})
        assert later.post("/signin/code", {"code": codes[0]})["Location"] == "/trade/"
        page = inside.get("/settings/second-factor").content.decode()
        assert "<b>9</b> recovery codes are left" in page

    def test_a_second_press_shows_the_same_codes(self, inside, user):  # noqa: F811
        code = code_of(set_up(inside))
        shown = [
            codes_in(inside.post("/settings/second-factor/confirm", {"code": code}))
            for _ in range(2)
        ]
        assert shown[0] == shown[1]
        assert len(shown[0]) == 10
        wrong_one = inside.post("/settings/second-factor/confirm", {"code": "000000"})
        assert codes_in(wrong_one) == []
        Authenticator.objects.update(created_at=clock.wall() - timedelta(seconds=61))
        later = inside.post("/settings/second-factor/confirm", {"code": code})
        assert (later.status_code, codes_in(later)) == (422, [])

    def test_the_drawing_is_of_the_address_and_of_nothing_else(self, inside, user):  # noqa: F811
        secret = set_up(inside)
        answer = inside.get("/settings/second-factor")
        address = answer.context["address"]
        assert address.startswith("otpauth://totp/grace%40bengi.example?")
        assert f"secret={secret}" in address
        drawn = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', answer.content.decode())[1]
        svg = base64.b64decode(drawn).decode()
        assert svg == second_factor.drawing_of(address)
        assert "<path" in svg
        assert "script" not in svg
        assert "no-store" in answer["Cache-Control"]

    def test_the_secret_is_shown_where_it_was_begun_alone(self, inside, user):  # noqa: F811
        set_up(inside)
        assert b"data:image/svg" not in signed_in(user).get("/settings/second-factor").content

    def test_a_wrong_code_comes_back_beside_the_same_secret(self, inside):
        secret = set_up(inside)
        answer = inside.post("/settings/second-factor/confirm", {"code": "000000"})
        assert wrong(answer, "code") == "The code is wrong or has been used."
        assert secret[:4] in answer.content.decode()
        assert 'value="000000"' in answer.content.decode()

    def test_what_was_begun_long_ago_begins_anew(self, inside):
        secret = set_up(inside)
        PendingFactor.objects.update(created_at=clock.wall() - timedelta(minutes=11))
        answer = inside.post("/settings/second-factor/confirm", {"code": code_of(secret)})
        assert answer.status_code == 422
        assert b"Set it up" in answer.content

    def test_it_takes_the_password_to_begin(self, inside):
        answer = inside.post("/settings/second-factor", {"password": "wrong"})
        assert wrong(answer, "password") == "This is not your password."
        assert not PendingFactor.objects.exists()


class TestSecondFactorThatIsOn:
    @pytest.fixture
    def codes(self, inside, user):  # noqa: F811
        secret, _ = second_factor.begin(user, clock.wall())
        return second_factor.confirm(user, code_of(secret, AT), clock.wall())

    def test_new_codes_end_the_old_ones(self, inside, user, codes):  # noqa: F811
        proof = {"password": PASSWORD, "code": codes[0]}
        answer = inside.post("/settings/second-factor/codes", proof)
        new = codes_in(answer)
        assert len(new) == 10
        assert not set(new) & set(codes)
        assert not second_factor.is_good_code(user, codes[1])
        assert second_factor.is_good_code(user, new[0])
        assert AuditEntry.objects.filter(action="second_factor.codes_renewed").count() == 1
        assert "new recovery codes" in mail.outbox[-1].subject

    def test_it_is_turned_off_by_password_and_code(self, inside, user, codes):  # noqa: F811
        proof = {"password": PASSWORD, "code": codes[0]}
        assert inside.post("/settings/second-factor/off", proof).status_code == 302
        assert not second_factor.has_second_factor(user)
        assert "is off" in mail.outbox[-1].subject

    @pytest.mark.parametrize(("path", "name"), [("codes", "codes"), ("off", "off")])
    @pytest.mark.parametrize(
        ("password", "code", "field"),
        [("wrong", "", "code"), ("wrong", "12345678", "password"), (PASSWORD, "000000", "code")],
    )
    def test_each_takes_both(self, inside, user, codes, path, name, password, code, field):  # noqa: F811
        answer = inside.post(
            f"/settings/second-factor/{path}", {"password": password, "code": code}
        )
        assert wrong(answer, f"{name}-{field}")
        assert codes_in(answer) == []
        assert second_factor.recovery_codes_left(user) == 10


# -- keys ----------------------------------------------------------------------------------------


def make(inside, **values):
    asked = {"name": "bot", "scopes": "read", "days": "30", **values}
    return inside.post("/settings/api-keys", asked)


def key_in(answer):
    return re.search(r'id="key-text">(bk_\w+)<', answer.content.decode())[1]


def form_key_in(answer):
    return re.search(r'name="form_key" value="([^"]+)"', answer.content.decode())[1]


class TestKeys:
    def test_a_key_is_shown_once_and_opens_what_it_may(self, inside):
        answer = make(inside)
        key = key_in(answer)
        assert "no-store" in answer["Cache-Control"]
        row = ApiKey.objects.get()
        assert (row.name, row.scopes) == ("bot", ["read"])
        assert row.expires_at - row.created_at == timedelta(days=30)
        page = inside.get("/settings/api-keys").content.decode()
        assert key not in page
        assert "Never used" in page
        assert Program(key).ask("get", "/api/v1/accounts").status_code == 200
        assert Program(key).ask("post", "/api/v1/orders", {}).status_code == 403
        assert b"Last used" in inside.get("/settings/api-keys").content

    def test_a_second_press_makes_no_second_key_and_shows_the_first(self, inside):
        form_key = form_key_in(inside.get("/settings/api-keys"))
        answers = [make(inside, form_key=form_key) for _ in range(2)]
        assert key_in(answers[0]) == key_in(answers[1])
        assert ApiKey.objects.count() == 1
        assert AuditEntry.objects.filter(action="key.created").count() == 1
        assert Program(key_in(answers[1])).ask("get", "/api/v1/accounts").status_code == 200
        fresh = form_key_in(answers[1])
        assert fresh != form_key
        assert key_in(make(inside, form_key=fresh)) != key_in(answers[0])

    @pytest.mark.parametrize("change", ["another name", "later", "revoked"])
    def test_a_form_that_made_its_key_shows_it_no_more(self, inside, change):
        form_key = form_key_in(inside.get("/settings/api-keys"))
        make(inside, form_key=form_key)
        rows = ApiKey.objects.all()
        if change == "later":
            rows.update(created_at=clock.wall() - timedelta(seconds=61))
        if change == "revoked":
            rows.update(revoked_at=clock.wall())
        values = {"name": "other"} if change == "another name" else {}
        again = make(inside, form_key=form_key, **values)
        assert wrong(again, "name").startswith("This form has made its key already.")
        assert "key-text" not in again.content.decode()
        assert ApiKey.objects.count() == 1
        make(inside, form_key=form_key_in(again))
        assert ApiKey.objects.count() == 2

    def test_a_form_of_anothers_makes_another_key(self, inside):
        form_key = form_key_in(inside.get("/settings/api-keys"))
        keys = {key_in(make(one, form_key=form_key)) for one in (inside, signed_in(UserFactory()))}
        assert len(keys) == ApiKey.objects.count() == 2

    def test_what_is_shown_once_is_not_left_by_hiding_amounts(self, inside):
        """The eye leads back to its page, and there is none behind the answer to a form."""
        page = inside.get("/settings/api-keys").content.decode()
        assert page.count('value="is_discreet"') == 2
        made = make(inside).content.decode()
        assert "key-text" in made
        assert 'value="is_discreet"' not in made

    def test_a_key_that_is_revoked_opens_nothing(self, inside):
        key = key_in(make(inside))
        inside.post(f"/settings/api-keys/{ApiKey.objects.get().id}/revoke")
        assert Program(key).ask("get", "/api/v1/accounts").status_code == 401
        assert b"No keys" in inside.get("/settings/api-keys").content

    def test_a_key_whose_time_is_over_opens_nothing(self, inside):
        key = key_in(make(inside, days=""))
        assert ApiKey.objects.get().expires_at is None
        ApiKey.objects.update(expires_at=clock.wall() - timedelta(seconds=1))
        assert Program(key).ask("get", "/api/v1/accounts").status_code == 401
        assert b"Expired" in inside.get("/settings/api-keys").content

    def test_nobody_revokes_anothers(self, inside):
        make(signed_in(UserFactory()))
        row = ApiKey.objects.get()
        assert inside.post(f"/settings/api-keys/{row.id}/revoke").status_code == 404
        row.refresh_from_db()
        assert row.revoked_at is None

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"name": ""}, "Name the program that gets the key."),
            ({"scopes": []}, "Choose what the program may do."),
            ({"scopes": ["account"]}, "Choose one of the list."),
            ({"days": "-1"}, "Choose one of the list."),
        ],
    )
    def test_a_wrong_form_comes_back(self, inside, values, words):
        answer = make(inside, **{"name": "my bot", "scopes": ["read", "trade"], **values})
        assert answer.status_code == 422
        page = answer.content.decode()
        assert words in page
        assert 'aria-invalid="true"' in page
        assert 'value="my bot"' in page or "name" in values
        assert "checked" in page or values.get("scopes") == []
        assert not ApiKey.objects.exists()

    def test_keys_take_one_statement_however_many_there_are(
        self, inside, django_assert_num_queries
    ):
        for _ in range(3):
            make(inside)
        with django_assert_num_queries(4):
            inside.get("/settings/api-keys")
