"""Where secrets stand, and what is written there: the rules, as tables."""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_reqcache.headers import Headers
from pytest_reqcache.models import BodyFile, RecordedResponse
from pytest_reqcache.redaction import DEFAULT_FIELDS, DEFAULT_RULES, Redactor, Registry
from pytest_reqcache.redaction.reading import parts_of
from pytest_reqcache.redaction.rules import SIGNING_FIELDS, looks_random

from .building import (
    FORM,
    JSON,
    bearer,
    interaction,
    redacted,
    redacted_request,
    redacted_response,
    request,
    response,
)

BASIC = base64.b64encode(b"ada:correct horse").decode()

PARTS = (
    '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{}\r\n--b\r\n'
    'Content-Disposition: form-data; name="token"; filename="t"\r\n\r\n{}\r\n--b\r\n'
    'Content-Disposition: form-data; name="meta"\r\n\r\n{{"api_key": "c"}}\r\n--b--\r\n'
)
PARTS_REDACTED = PARTS.format("REDACTED-password", "REDACTED-token").replace('"c"', '"REDACTED-api_key"')


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Authorization", "Bearer s3cr3t", "Bearer REDACTED-authorization"),
        ("authorization", "bearer s3cr3t", "bearer REDACTED-authorization"),
        ("Authorization", "s3cr3t", "REDACTED-authorization"),
        ("Authorization", f"Basic {BASIC}", "Basic REDACTED-authorization"),
        ("Authorization", "Token token=s3cr3t", "Token REDACTED-authorization"),
        ("Authorization", 'Digest username="a", response="b"', "Digest REDACTED-authorization"),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=A/b, Signature=c",
            "AWS4-HMAC-SHA256 REDACTED-authorization",
        ),
        ("Authorization", 'OAuth oauth_consumer_key="k"', "OAuth REDACTED-authorization"),
        ("Authorization", "Negotiate YII=", "Negotiate REDACTED-authorization"),
        ("Authorization", "  Bearer s3cr3t ", "  Bearer REDACTED-authorization "),
        ("Authorization", "Bearer", "Bearer"),
        ("Authorization", "", ""),
        ("Authorization", "Bearer REDACTED-access_token", "Bearer REDACTED-access_token"),
        ("Proxy-Authorization", "Basic YTpi", "Basic REDACTED-proxy-authorization"),
        ("X-Api-Key", "s3cr3t", "REDACTED-x-api-key"),
        ("X-API-KEY", "two words", "REDACTED-x-api-key"),
        ("Private-Token", "s3cr3t", "REDACTED-private-token"),
        ("X-CSRFToken", "s3cr3t", "REDACTED-x-csrftoken"),
        ("Ocp-Apim-Subscription-Key", "s3cr3t", "REDACTED-ocp-apim-subscription-key"),
        ("X-My-Own-Token", "s3cr3t", "REDACTED-x-my-own-token"),
        ("X-My-Secret", "s3cr3t", "REDACTED-x-my-secret"),
        ("X-My-Api-Key", "s3cr3t", "REDACTED-x-my-api-key"),
        ("X-My-Password", "s3cr3t", "REDACTED-x-my-password"),
        ("X-My-Session-Id", "s3cr3t", "REDACTED-x-my-session-id"),
        ("X-My-Access-Key", "s3cr3t", "REDACTED-x-my-access-key"),
        ("Idempotency-Key", "s3cr3t", "s3cr3t"),
        *(
            (name, "s3cr3t", f"REDACTED-{name.lower()}")
            for name in (
                *("authToken", "access_token", "api_key", "client_secret", "Password", "jwt", "session-id"),
                *("X-AuthToken", "X-Passphrase", "CB-ACCESS-PASSPHRASE", "DD-APPLICATION-KEY"),
                *(
                    "X-Parse-Master-Key",
                    "aeg-sas-key",
                    "authentication",
                    "X-JFrog-Art-Api",
                    "X-Honeycomb-Team",
                    "X-Sync-Secret",
                ),
            )
        ),
        ("X-Next-Auth-Token", "s3cr3t", "REDACTED-x-next-auth-token"),
        *(
            (f"X-{name}-Token", "s3cr3t", f"REDACTED-x-{name.lower()}-token")
            for name in ("Preview", "Nextcloud", "Pagerduty", "Syncthing", "Deltalake", "MyPreviews")
        ),
        *(
            (name, "t=1,v1=5f0c", f"REDACTED-{name.lower()}")
            for name in (
                *("Signature", "X-Acme-Signature", "Stripe-Signature", "X-Hub-Signature-256"),
                *("X-Hmac", "X-Shopify-Hmac-Sha256", "X-Acme-Signature-SHA-512"),
            )
        ),
        ("Signature-Input", "sig1=()", "sig1=()"),
        ("X-Signature-Version", "2", "2"),
        ("X-Next-Page-Token", "20", "20"),
        ("X-NextPage-Token", "20", "20"),
        ("nextPageToken", "20", "20"),
        ("Sync-Token", "20", "20"),
        ("X-Continuation-Token", "s3cr3t", "s3cr3t"),
        ("X-RateLimit-Remaining-Tokens", "20", "20"),
        ("Access-Control-Allow-Credentials", "true", "true"),
        ("X-Forwarded-Authorization", "Bearer s3cr3t", "Bearer REDACTED-x-forwarded-authorization"),
        ("X-Request-Url", "http://h/?api_key=abc", "http://h/?api_key=REDACTED-api_key"),
        ("X-Debug", '{"access_token": "abc"}', '{"access_token": "REDACTED-access_token"}'),
        ("Accept", "application/json", "application/json"),
        ("X-Request-Id", "s3cr3t", "s3cr3t"),
        ("Cookie", "theme=light; session=abc", "theme=light; session=REDACTED-session"),
        ("Cookie", "a=12345678;b=1", "a=REDACTED-a;b=1"),
        ("Cookie", 'sid="abc"; x', 'sid="REDACTED-sid"; x'),
        ("Cookie", "session=; csrftoken=abc", "session=; csrftoken=REDACTED-csrftoken"),
        ("Referer", "https://x.example/?token=abc&page=2", "https://x.example/?token=REDACTED-token&page=2"),
    ],
)
def test_request_header(name: str, value: str, expected: str) -> None:
    assert redacted_request(request("https://x.example/", (name, value))).headers.items == ((name, expected),)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("X-Acme-Signature", "5f0c", "5f0c"),
        ("Set-Cookie", "theme=light; Path=/", "theme=light; Path=/"),
        ("Set-Cookie", "s=abc; Path=/; HttpOnly", "s=REDACTED-s; Path=/; HttpOnly"),
        ("Set-Cookie", "s=abc; path=/; httponly", "s=REDACTED-s; path=/; httponly"),
        ("Set-Cookie", "sessionid=abc", "sessionid=REDACTED-sessionid"),
        ("Set-Cookie", "x=12345678; Max-Age=5", "x=REDACTED-x; Max-Age=5"),
        ("Set-Cookie", "sid=; Max-Age=0; HttpOnly", "sid=; Max-Age=0; HttpOnly"),
        ("Location", "/next?access_token=abc&page=2", "/next?access_token=REDACTED-access_token&page=2"),
        ("Location", "https://x/#access_token=abc", "https://x/#access_token=REDACTED-access_token"),
        ("Location", "https://u:pw@x/", "https://REDACTED-userinfo@x/"),
        ("Link", '<https://x/?api_key=abc>; rel="next"', '<https://x/?api_key=REDACTED-api_key>; rel="next"'),
        ("X-Auth-Token", "abc", "REDACTED-x-auth-token"),
        ("Authentication-Info", 'nextnonce="abc"', "REDACTED-authentication-info"),
        ("WWW-Authenticate", 'Digest nonce="abc"', 'Digest nonce="abc"'),
        ("ETag", '"abc"', '"abc"'),
    ],
)
def test_response_header(name: str, value: str, expected: str) -> None:
    assert redacted_response(response((name, value))).headers.items == ((name, expected),)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x/a?page=2", "https://x/a?page=2"),
        (
            "https://x/a?access_token=abc&page=2#top",
            "https://x/a?access_token=REDACTED-access_token&page=2#top",
        ),
        ("https://x/a?accessToken=a%2Bb", "https://x/a?accessToken=REDACTED-accesstoken"),
        ("https://x/a?API-KEY=abc", "https://x/a?API-KEY=REDACTED-api-key"),
        ("https://x/a?api%5Fkey=abc", "https://x/a?api%5Fkey=REDACTED-api_key"),
        ("https://x/a?token=&page=2", "https://x/a?token=&page=2"),
        ("https://x/a?sig=abc&se=2", "https://x/a?sig=REDACTED-sig&se=2"),
        ("https://x/a?X-Amz-Signature=abc", "https://x/a?X-Amz-Signature=REDACTED-x-amz-signature"),
        ("https://x/a?next=https://y/?token=abc", "https://x/a?next=https://y/?token=REDACTED-token"),
        ("https://ada:pw@x/a@b", "https://REDACTED-userinfo@x/a@b"),
        ("https://sk_live@x/", "https://REDACTED-userinfo@x/"),
        ("https://x/a?page_token=3", "https://x/a?page_token=3"),
        ("https://x/a?nextToken=abc", "https://x/a?nextToken=abc"),
        ("https://x/a?github_token=abc", "https://x/a?github_token=REDACTED-github_token"),
        ("https://x/a?key=title&code=DE", "https://x/a?key=title&code=DE"),
        ("https://x/a?key=AIza0123456789abcdef", "https://x/a?key=REDACTED-key"),
        ("https://x/a;jsessionid=0123456789ABCDEF/b", "https://x/a;jsessionid=REDACTED-jsessionid/b"),
        ("https://x/a;token=abc;v=2", "https://x/a;token=REDACTED-token;v=2"),
        ("https://x/a?user[password]=abc", "https://x/a?user[password]=REDACTED-user_password_"),
        ("https://x/a?filter=%7B%22password%22%3A%22abc%22%7D", "https://x/a?filter=REDACTED-filter"),
        ("https://x/a?next=https%3A%2F%2Fy%2F%3Ftoken%3Dabc", "https://x/a?next=REDACTED-next"),
        (
            "https://x/a?next=https%3A%2F%2Fy%2F%3Ftoken%3Dabc%26b%3Dc&d=e",
            "https://x/a?next=REDACTED-next&d=e",
        ),
        ("https://x/a?x=1;access_token=abc", "https://x/a?x=1;access_token=REDACTED-access_token"),
        # Of URLs within one another, so many that it is an attack: there a "?" ends a value.
        (f"https://x/a?{'a=?' * 20}token=abc?b", f"https://x/a?{'a=?' * 20}token=REDACTED-token?b"),
        ("https://x/a?next=https%3A%2F%2Fy%2F%3Fpage%3D2", "https://x/a?next=https%3A%2F%2Fy%2F%3Fpage%3D2"),
    ],
)
def test_url(url: str, expected: str) -> None:
    assert redacted_request(request(url)).url == expected


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (
            "application/json",
            '{ "password" :"a",\n"n":1.10}',
            '{ "password" :"REDACTED-password",\n"n":1.10}',
        ),
        (
            "application/json",
            '{"a": [{"accessToken": "x"}]}',
            '{"a": [{"accessToken": "REDACTED-accesstoken"}]}',
        ),
        ("application/problem+json", '{"secret":"a"}', '{"secret":"REDACTED-secret"}'),
        ("application/json", '{"secret":12}', '{"secret":"REDACTED-secret"}'),
        (
            "application/json",
            '{"secret":null,"token":true,"pwd":""}',
            '{"secret":null,"token":true,"pwd":""}',
        ),
        ("application/json", '{"secret":["a","b"]}', '{"secret":["REDACTED-secret","REDACTED-secret-2"]}'),
        ("application/json", '{"secret":{"x":"a"}}', '{"secret":{"x":"a"}}'),
        ("application/json", r'{"pass\u0077ord":"a\"b"}', r'{"pass\u0077ord":"REDACTED-password"}'),
        (
            "application/json",
            '{"secret":"a","secret":"b"}',
            '{"secret":"REDACTED-secret","secret":"REDACTED-secret-2"}',
        ),
        ("application/json", '{"a":"password"}', '{"a":"password"}'),
        ("application/json", '{"secret":"cut', '{"secret":"REDACTED-secret'),
        ("", '{"secret":"a"}', '{"secret":"REDACTED-secret"}'),
        (
            "application/json",
            '{"url": "https://u:pw@x/?a=1&token=abc"}',
            '{"url": "https://REDACTED-userinfo@x/?a=1&token=REDACTED-token"}',
        ),
        (
            "application/x-www-form-urlencoded",
            "user=ada&password=p%20w&client-secret=x",
            "user=ada&password=REDACTED-password&client-secret=REDACTED-client-secret",
        ),
        ("multipart/form-data; boundary=b", PARTS.format("a", "b"), PARTS_REDACTED),
        (
            'multipart/form-data; boundary="b"',
            PARTS.format("--dashed", "x\r\n--y\r\nz"),
            PARTS_REDACTED,
        ),
        ("multipart/form-data", PARTS.format("a", "b"), PARTS_REDACTED),
        ("multipart/form-data; boundary=other", PARTS.format("a", "b"), PARTS_REDACTED),
        (
            "multipart/form-data; boundary=b",
            '--b\r\nContent-Disposition: form-data; name="m"\r\n\r\n{"otp": 12345678}\r\n--b--',
            '--b\r\nContent-Disposition: form-data; name="m"\r\n\r\n{"otp": "REDACTED-otp"}\r\n--b--',
        ),
        ("text/html", '<a href="/x?a=1&amp;token=abc">', '<a href="/x?a=1&amp;token=REDACTED-token">'),
        ("text/plain", "password=abc", "password=REDACTED-password"),
        ("text/plain", "oauth_token=abc&n=1", "oauth_token=REDACTED-oauth_token&n=1"),
        (
            "application/x-www-form-urlencoded",
            "user%5Bpassword%5D=abc",
            "user%5Bpassword%5D=REDACTED-user_password_",
        ),
        ("text/plain", "DB_PASSWORD=abcd\nUSER=ada", "DB_PASSWORD=REDACTED-db_password\nUSER=ada"),
        ("text/yaml", "password: abcd\nuser: ada", "password: REDACTED-password\nuser: ada"),
        ("text/plain", "Server=x;Password=abcd;", "Server=x;Password=REDACTED-password;"),
        ("text/plain", "{'access_token': 'abc'}", "{'access_token': 'REDACTED-access_token'}"),
        (
            "text/plain",
            "curl -H 'Authorization: Bearer abcdefgh12345678'",
            "curl -H 'Authorization: Bearer REDACTED-authorization'",
        ),
        (
            "text/xml",
            "<password><![CDATA[abc]]></password>",
            "<password><![CDATA[REDACTED-password]]></password>",
        ),
        (
            "text/html",
            '<input name="csrf_token" value="abc"><meta name="csrf-token" content="abc">',
            '<input name="csrf_token" value="{0}"><meta name="csrf-token" content="{0}">'.format(
                "REDACTED-csrf_token"
            ),
        ),
        ("text/html", "&quot;token&quot;: &quot;abc&quot;", "&quot;token&quot;: &quot;REDACTED-token&quot;"),
        ("application/json", '{"api.key": "abc"}', '{"api.key": "REDACTED-api_key"}'),
        ("application/json", '{"password1": "abc"}', '{"password1": "REDACTED-password1"}'),
        *(
            ("application/json", json.dumps({name: "abc"}, ensure_ascii=ascii_only), expected)
            for name, stood in (
                *(("пароль", "______"), ("Пароль", "______"), ("密码", "__"), ("hasło", "has_o")),
            )
            for ascii_only in (True, False)
            for expected in (json.dumps({name: f"REDACTED-{stood}"}, ensure_ascii=ascii_only),)
        ),
        (
            "application/json",
            r'{"url": "https:\/\/ada:pw@host.example\/x"}',
            '{"url": "https://REDACTED-userinfo@host.example/x"}',
        ),
        (
            "text/html",
            r'u = "https:\/\/ada:pw@x.example\/x"',
            r'u = "https:\/\/REDACTED-userinfo@x.example\/x"',
        ),
        ("application/json", '{"contraseña": "abc"}', '{"contraseña": "REDACTED-contrase_a"}'),
        (
            "application/json",
            '{"password": {"value": "abc"}}',
            '{"password": {"value": "REDACTED-password"}}',
        ),
        (
            "application/json",
            '[{"name": "password", "value": "abc"}, {"name": "n", "value": "abc"}]',
            '[{"name": "password", "value": "REDACTED-password"}, {"name": "n", "value": "abc"}]',
        ),
        (
            "application/json",
            '[{"Key": "DB_SECRET", "Value": "abc"}, {"Value": "abc", "Key": "n"}]',
            '[{"Key": "DB_SECRET", "Value": "REDACTED-db_secret"}, {"Value": "abc", "Key": "n"}]',
        ),
        (
            "application/json",
            '{"Value": "abc", "Name": "token"}',
            '{"Value": "REDACTED-token", "Name": "token"}',
        ),
        (
            "application/json",
            '{"url": "https://x/?u=https%3A%2F%2Fy%2F%3Faccess_token%3Dabc"}',
            '{"url": "https://x/?u=REDACTED-u"}',
        ),
        ("application/json", '{"has_password": "yes"}', '{"has_password": "yes"}'),
        (
            "application/json",
            '{"recovery_codes": ["abcd efgh ijkl 1234"]}',
            '{"recovery_codes": ["REDACTED-recovery_codes"]}',
        ),
        (
            "application/json",
            '{"secrets": ["alpha bravo charlie 4821"]}',
            '{"secrets": ["REDACTED-secrets"]}',
        ),
        (
            "application/json",
            '{"passwords": ["correct horse 4821"]}',
            '{"passwords": ["REDACTED-passwords"]}',
        ),
        ("application/json", '{"appid": 440}', '{"appid": 440}'),
        ("application/json", '{"appid": "0123456789abcdef"}', '{"appid": "REDACTED-appid"}'),
        ("application/json", '{"ssh": "ssh://git@x/a"}', '{"ssh": "ssh://git@x/a"}'),
        ("application/json", '{"ssh": "ftp://anonymous@x/a"}', '{"ssh": "ftp://anonymous@x/a"}'),
        ("text/plain", "git+ssh://git:pw@x/a", "git+ssh://REDACTED-userinfo@x/a"),
        ("text/plain", "DB_PASSWORD=p4ss,word123\r\nX=1", "DB_PASSWORD=REDACTED-db_password\r\nX=1"),
        ("text/yaml", "  password: Sw0rd$fish(1)!\nx: 1", "  password: REDACTED-password\nx: 1"),
        ("text/plain", "export TOKEN=a$b&c;\nX=1", "export TOKEN=REDACTED-token;\nX=1"),
        ("text/plain", "Password=abcd;Server=x,y", "Password=REDACTED-password;Server=x,y"),
        ("text/plain", "TOKEN=${SECRET}\nA_TOKEN=$(cat x)", "TOKEN=${SECRET}\nA_TOKEN=$(cat x)"),
        ("application/javascript", "tokens: [1,2,3],\n", "tokens: [1,2,3],\n"),
        ("text/plain", "Your token: abcdef12", "Your token: REDACTED-token"),
        ("text/plain", "Your token: deadbeef", "Your token: REDACTED-token"),
        ("application/json", '{"a": "Your API token: xkqjzvbw"}', '{"a": "Your API token: REDACTED-token"}'),
        ("text/plain", "login token: abcdefg now", "login token: REDACTED-token now"),
        ("text/plain", "Your password: swordfish is set", "Your password: REDACTED-password is set"),
        ("text/plain", "Your password: swordfish", "Your password: REDACTED-password"),
        ("text/yaml", "token: swordfish\n", "token: REDACTED-token\n"),
        ("application/json", '{"paginationToken": "abc"}', '{"paginationToken": "abc"}'),
        ("", "password=abc&user=ada", "password=REDACTED-password&user=ada"),
        ("text/plain", ' {"pa": 1, "password": "abc"}', ' {"pa": 1, "password": "REDACTED-password"}'),
        ("application/json", '{"userPassword": "abc"}', '{"userPassword": "REDACTED-userpassword"}'),
        ("application/json", '{"next_page_token": "abc"}', '{"next_page_token": "abc"}'),
        ("application/json", '{"forgot_password": "/forgot"}', '{"forgot_password": "/forgot"}'),
        (
            "application/json",
            r'{"message": "{\"token\": \"abc\", \"n\": 1}"}',
            r'{"message": "{\"token\": \"REDACTED-token\", \"n\": 1}"}',
        ),
        (
            "application/json",
            r'{"query": "{ login(user: \"ada\", password: \"abc\") { id } }"}',
            r'{"query": "{ login(user: \"ada\", password: \"REDACTED-password\") { id } }"}',
        ),
        (
            "text/html",
            "<script>token = 'abc'; n = 'abc'</script>",
            "<script>token = 'REDACTED-token'; n = 'abc'</script>",
        ),
        (
            "text/xml",
            "<u:Password t='x'>abc</u:Password>",
            "<u:Password t='x'>REDACTED-password</u:Password>",
        ),
        ("application/soap+xml", "<has_token>true</has_token>", "<has_token>true</has_token>"),
    ],
)
def test_body(kind: str, body: str, expected: str) -> None:
    headers = [("Content-Type", kind)] if kind else []
    assert redacted_request(request("https://x/", *headers, body=body.encode())).body == expected.encode()
    assert redacted_response(response(*headers, body=body.encode())).body == expected.encode()


def test_a_long_line_of_a_part_is_gone_through_once() -> None:
    started = time.process_time()
    text = "--b\r\n" + "content-disposition:" * 20_000 + "\r\n\r\nabc\r\n--b--"
    assert list(parts_of(text, Headers.of([("Content-Type", "multipart/form-data; boundary=b")]))) == []
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("body", "answered"),
    [
        ('{"token": 482913}', '{"token": 482913}'),
        ('{"tokens": [1, 2]}', '{"tokens": [1, 2]}'),
        ('{"passwords": 2}', '{"passwords": 2}'),
        ('{"max_token": 5}', '{"max_token": 5}'),
        ('{"token": 1234567}', '{"token": 1234567}'),
        ('{"token": 12345678}', '{"token": "REDACTED-token"}'),
        ('{"pass": 12345678}', '{"pass": 12345678}'),
        ('{"otp": 482913}', '{"otp": "REDACTED-otp"}'),
        ('{"password": 1}', '{"password": "REDACTED-password"}'),
    ],
)
def test_numbers_are_counts_in_responses_alone(body: str, answered: str) -> None:
    asked = redacted_request(request("https://x/", JSON, body=body.encode()))
    assert not any(map(str.isdigit, (asked.body or b"").decode().replace("-2", "")))
    assert b"REDACTED-" in (asked.body or b"")
    assert redacted_response(response(JSON, body=body.encode())).body == answered.encode()


@pytest.mark.parametrize(
    ("value", "is_random"),
    [
        ("0123456789abcdef", True),
        ("AIza0123456789abcdef", True),
        ("6f1c2b3a-aaaa-4bbb-8ccc-1234567890ab", True),
        ("abcdef1234567890.abcdef", True),
        ("AIzaSyD-9tS_rke72P_ouQMnM-Xa7eZ_SW0jkF", True),
        ("4/0AX4XfWh-Qx7_bLm3T_c9Zk", True),
        ("VK7JG-NPHTM-C97JM-9MPGT-3V66T", True),
        ("A1B2C-D3E4F-G5H6I-J7K8L", True),
        ("ab12cd34ef-gh56ij78kl-mn90op12", True),
        ("aZ3kP9xQ/b7Lm2Wt8YsVnA==", True),
        ("kQ92vRt_Zp-LmXw44Bn_Yd", True),
        ("HTTP_404_NOT_FOUND", False),
        ("uploads/2024/01/photo", False),
        ("Users/42/Orders/7/Items", False),
        ("card_declined_3ds_2", False),
        ("reports-2024-summary.csv", False),
        ("i18n-a11y-guide-for-all", False),
        ("iphone-15-pro-max-256gb", False),
        ("2024-05-01", False),
        ("OAUTH2_TOKEN_EXPIRED", False),
        ("SUMMER-SALE-2024-X", False),
        ("uploads/2024/01/photo.jpg", False),
        ("www.shop-01.example", False),
        ("Summer-Sale-2024-Special-Offer", False),
        ("1234567890123456", False),
        ("2024-05-01T12:30:00Z", False),
    ],
)
def test_what_looks_random(value: str, is_random: bool) -> None:
    assert DEFAULT_RULES.is_parameter("code", value) is is_random
    body = f'{{"code": "{value}"}}'
    written = redacted_response(response(JSON, body=body.encode())).body
    assert written == (b'{"code": "REDACTED-code"}' if is_random else body.encode())


@pytest.mark.parametrize("coded", [base64.b64encode, base64.urlsafe_b64encode])
def test_nearly_all_of_16_random_bytes_looks_random(coded: Callable[[bytes], bytes]) -> None:
    source = random.Random(1)
    keys = [coded(source.randbytes(16)).decode() for _ in range(1_000)]
    assert sum(map(looks_random, keys)) > 950


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *((name, True) for name in ("preview_token", "nextcloudToken", "PAGERDUTY_TOKEN", "async_token")),
        *(
            (name, True)
            for name in ("nextcloud_password", "SYNC_SECRET", "page_access_token", "next[b_token]")
        ),
        *((name, False) for name in ("next_page_token", "nextPageToken", "nextpagetoken", "NEXT_TOKEN")),
        *((name, False) for name in ("newStartPageToken", "syncToken", "continuationToken", "a[page_token]")),
        *((name, False) for name in ("paginationToken", "scroll-token", "cancelToken", "resumptionToken")),
        *((name, False) for name in ("has_password", "isToken", "forgotPassword")),
    ],
)
def test_tokens_that_page_are_told_by_whole_words(name: str, is_secret: bool) -> None:
    assert DEFAULT_RULES.is_field(name) is is_secret


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_json_in_every_encoding(codec: str) -> None:
    body = '{"secret": "abc", "é": "ü"}'.encode(codec)
    assert redacted_response(response(JSON, body=body)).body == body.decode(codec).replace(
        "abc", "REDACTED-secret"
    ).encode(codec)


@pytest.mark.parametrize("body", [b'{"x": "\xff", "secret": "a"}', b'{"x": "\\ud800", "secret": "a"}'])
def test_bytes_that_are_no_text_stay(body: bytes) -> None:
    expected = body.replace(b'"a"', b'"REDACTED-secret"')
    assert redacted_response(response(JSON, body=body)).body == expected


def test_binary_bodies_are_left_alone() -> None:
    asked = request("https://x/?token=abcdefgh1")
    body = b"\x89PNG\xff\xfeabcdefgh1"
    (item,) = redacted(interaction(asked, response(("Content-Type", "image/png"), body=body)))
    assert item.response.body is body


@pytest.mark.parametrize(
    ("kind", "written"),
    [("application/json", b'{"secret":"REDACTED-secret"}'), ("image/png", None), ("video/mp4", None)],
)
def test_body_in_a_file_is_edited_where_it_is_a_text(tmp_path: Path, kind: str, written: bytes) -> None:
    path = tmp_path / "body"
    path.write_bytes(b'{"secret":"a"}')
    body = BodyFile(path, path.stat().st_size)
    answered = redacted_response(RecordedResponse(200, "OK", Headers.of([("Content-Type", kind)]), body))
    assert answered.body == (written or body)


@pytest.mark.parametrize(("told", "corrected"), [("14", "28"), ("99", "99")])
def test_length_is_corrected_where_it_was_right(told: str, corrected: str) -> None:
    answered = redacted_response(response(JSON, ("content-length", told), body=b'{"secret":"a"}'))
    assert answered.headers.get("Content-Length") == corrected
    assert len(answered.body) == 28  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text/plain", "Authorization: Bearer {}\n"),
        ("text/plain", "> Authorization: Basic {}\r\n"),
        ("text/yaml", "headers:\n  Authorization: token {}"),
        ("text/plain", "token = Bearer {}"),
        ("text/plain", 'password: "{} with blanks"'),
        ("application/json", r'{{"query": "{{ login(password: \"a1 {}\") {{ id }} }}"}}'),
        ("text/xml", "<r><Password>\n  {}\n</Password></r>"),
        ("text/xml", "<r><Password><![CDATA[ {} 2 ]]></Password></r>"),
        ("text/html", '<input value="{}" type="hidden" name="csrf_token">'),
        ("text/html", "<input type=hidden name=csrf_token value={} >"),
        ("text/html", '<meta name="csrf-token" content="{}">'),
        ("application/javascript", 'window["access_token"] = "{}";'),
        ("application/javascript", 'localStorage.setItem("access_token", "{}");'),
        ("application/javascript", "headers.set('X-Auth-Token', '{}');"),
        ("application/json", "[\"setItem('token','{}')\"]"),
        ("text/html", r'<script>boot("{{\"access_token\": \"{}\"}}")</script>'),
        ("application/json", r'{{"a": "{{\"b\": \"{{\\\"token\\\": \\\"{}\\\"}}\"}}"}}'),
        ("text/plain", "curl -H 'X-API-Key: {}' https://x/"),
        ("text/plain", 'curl --header "X-Vault-Token: {}" https://x/'),
        ("application/javascript", r'login({{password: "a\"{}", user: "ada"}})'),
        ("application/json", '[{{"value": "{}", "name": "password"}}]'),
        ("application/json", '{{"items": [{{"value": "{}", "extra": [], "key": "api_key"'),
    ],
)
def test_secrets_of_texts_as_they_are_written(kind: str, text: str) -> None:
    secret = "Vb7TokenQw7Er8Ty1abc9"
    answered = response(("Content-Type", kind), body=text.format(secret).encode())
    written = redacted_response(answered).body
    assert isinstance(written, bytes)
    assert secret.encode() not in written
    assert written.count(b"REDACTED-") == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text/plain", 'password: "please choose another one"'),
        ("text/html", '<input name="title" value="Emma"> <input name="password" value="">'),
        ("text/html", '<meta content="https://x/?page=2" property="og:url">'),
        ("text/xml", "<Password>at least one sign</Password>"),
        ("application/json", '{"message": "Invalid token: expired"}'),
        ("application/json", '{"message": "Bad password: must contain 8 characters"}'),
        ("application/json", '{"message": "Bad password: shouldn\'t be empty"}'),
        ("application/json", '{"message": "No token: please log in"}'),
        ("application/json", '{"message": "The new password: must contain a digit"}'),
        ("text/plain", "Malformed token: payload\n"),
        ("text/plain", "password=True\nsecret: none, token = null\n"),
        ("application/json", '{"sdl": "type User { id: ID! token: String! password: String }"}'),
        ("text/plain", "type User {\n  token: String!\n  password: String\n}"),
        ("application/json", '{"password": ["This field is required."]}'),
        ("application/json", '{"errors": {"password": ["is too short (minimum is 8 characters)"]}}'),
    ],
)
def test_what_people_are_told_stays(kind: str, text: str) -> None:
    answered = response(("Content-Type", kind), body=text.encode())
    assert redacted_response(answered) is answered


def test_what_a_header_says_of_a_token_stays() -> None:
    told = ("WWW-Authenticate", 'Bearer error="invalid_token", error_description="The access token: expired"')
    answered = response(told)
    assert redacted_response(answered) is answered


@pytest.mark.parametrize("text", ["Invalid token: expired", "Bad password: must contain 8 characters"])
def test_a_request_tells_nobody_what_is_wrong(text: str) -> None:
    asked = request("https://x/", ("Content-Type", "text/plain"), body=text.encode())
    assert b": REDACTED-" in (redacted_request(asked).body or b"")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", r'{{"query": "{{ login(password: \"{}\") {{ id }} }}"}}'),
        ("text/xml", "<Login><Password>{}</Password></Login>"),
        ("application/json", '{{"secrets": ["{}"]}}'),
        ("application/json", '{{"pass": "{}"}}'),
    ],
)
def test_passphrase_of_words_in_a_request(kind: str, body: str) -> None:
    asked = request("https://x/", ("Content-Type", kind), body=body.format("correct horse battery").encode())
    assert b"horse" not in (redacted_request(asked).body or b"")


@pytest.mark.parametrize(
    ("url", "headers", "body"),
    [
        ("https://x/?pin=1234&a=1", (), None),
        ("https://x/?pass=1234&a=1", (), None),
        ("https://x/", (FORM,), b"name=ada&pass=1234"),
        ("https://x/?user[pass]=1234", (), None),
        ("https://x/", (FORM,), b"user[pin]=1234"),
        ("https://x/", (FORM,), b"pin1=1234"),
        ("https://x/", (JSON,), rb'{"b": "{\"pin\": \"1234\"}"}'),
        ("https://x/", (JSON,), b'{"b": "a;pass = \'1234\'"}'),
        ("https://x/", (JSON,), b'{"pin": 1234}'),
        ("https://x/", (JSON,), b'{"pass": "1234"}'),
        ("https://x/", (("Content-Type", "text/xml"),), b"<Pin>1234</Pin>"),
        ("https://x/", (JSON,), rb'{"query": "{ a(pin: \"1234\") }"}'),
    ],
)
def test_pin_and_pass_are_secrets_in_requests_alone(url: str, headers: tuple, body: bytes | None) -> None:  # type: ignore[type-arg]
    asked = request(url, *headers, body=body)
    written = redacted_request(asked)
    assert "1234" not in repr(written)
    stored, live = (Redactor(Registry()).mask(one) for one in (written, asked))
    assert (stored.request, stored.places) == (live.request, live.places)
    answered = response(*headers, body=body or b"")
    assert redacted_response(answered) is answered


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text/html", r'<script>var w={"token":"ab\/cd+ef12=="}</script>'),
        ("text/html", r'<script>w("{\"token\":\"ab\\/cd+ef12==\"}")</script>'),
        ("text/xml", "<Token>ab&#x2F;cd+ef12==</Token>"),
        ("text/html", '<input name="token" value="ab&#47;cd+ef12==">'),
        ("text/html", '<a data-a="{&quot;token&quot;: &quot;ab&#x2F;cd+ef12==&quot;}">'),
    ],
)
def test_a_token_is_learned_as_what_it_means(kind: str, text: str) -> None:
    page = interaction(request(), response(("Content-Type", kind), body=text.encode()))
    use = interaction(bearer("ab/cd+ef12=="))
    first, second = redacted(page, use)
    assert b"REDACTED-token" in (first.response.body or b"")
    assert second.request.headers.get("Authorization") == "Bearer REDACTED-token"


def test_secrets_beside_the_value_of_a_tag() -> None:
    tag = '<input data-a="https://x/?token={}" name="csrf_token" value="{}" data-b="https://x/?token={}">'
    answered = response(("Content-Type", "text/html"), body=tag.format("one", "two", "three").encode())
    written = tag.format("REDACTED-token", "REDACTED-csrf_token", "REDACTED-token-2")
    assert redacted_response(answered).body == written.encode()


def test_secret_in_a_url_within_a_tag() -> None:
    answered = response(("Content-Type", "text/html"), body=b'<meta content="https://x/?token=abc" name="u">')
    assert redacted_response(answered).body == b'<meta content="https://x/?token=REDACTED-token" name="u">'


def test_what_holds_no_secret_is_the_same_object() -> None:
    asked = request("https://x/a?b=c", ("Accept", "*/*"), JSON, body=b'{"a": 1}')
    answered = response(JSON, ("Set-Cookie", "a=b"), body=b'{"a": 1}')
    (item,) = redacted(interaction(asked, answered))
    assert item.request is asked
    assert item.response is answered


@pytest.mark.parametrize("name", sorted(DEFAULT_FIELDS | SIGNING_FIELDS))
@pytest.mark.parametrize("separator", ["_", "-", ""])
def test_the_quick_look_overlooks_no_field(name: str, separator: str) -> None:
    spelled = name.replace("_", separator)
    assert DEFAULT_RULES.may_hold(f'{{"{spelled}": "a"}}')
    assert not DEFAULT_RULES.is_harmless(f"a=b&{spelled}=c")
    asked = request("https://x/", FORM, body=f"{spelled.upper()}=c".encode())
    assert b"=REDACTED-" in (redacted_request(asked).body or b"")
    assert Redactor(Registry()).mask(request(f"https://x/?{spelled}=c")).places == (f"query:{spelled}",)
