"""A script as written for the best-known cache for `requests` runs with nothing but its import changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from origin import Answer

BEFORE = "requests_cache"
AFTER = "pytest_reqcache"

USER_SETUP = """
import os, re, sys, time
from datetime import datetime, timedelta, timezone

import requests
BASE = sys.argv[1]
"""

SESSION = """
from requests_cache import CachedSession, DO_NOT_CACHE, EXPIRE_IMMEDIATELY, NEVER_EXPIRE

session = CachedSession(
    'demo_cache',
    expire_after=timedelta(days=1),
    urls_expire_after={
        f'{BASE}/fast': 30,
        '*/slow': timedelta(weeks=1),
        re.compile(r'/private'): DO_NOT_CACHE,
        '*/forever': NEVER_EXPIRE,
    },
    cache_control=False,
    allowable_codes=[200, 404],
    allowable_methods=['GET', 'HEAD', 'POST'],
    ignored_parameters=['api_key'],
    match_headers=['Accept-Language'],
    filter_fn=lambda response: len(response.content) < 1_000_000,
    stale_if_error=True,
)

response = session.get(f'{BASE}/get', params={'b': 1, 'a': 2, 'api_key': 'k1'})
assert response.ok and not response.from_cache
response = session.get(f'{BASE}/get', params={'a': 2, 'b': 1, 'api_key': 'k2'})
assert response.from_cache and not response.is_expired and not response.revalidated
assert response.expires - response.created_at == timedelta(days=1)
assert response.cache_key in session.cache
assert 'expires' in str(response)

def lifetime(path):
    response = session.get(BASE + path)
    return response.expires and (response.expires - datetime.now(timezone.utc)).total_seconds()

assert 28 < lifetime('/fast') <= 30
assert lifetime('/slow') > 600_000
assert lifetime('/forever') is None
session.get(f'{BASE}/private')
assert not session.get(f'{BASE}/private').from_cache

assert session.get(f'{BASE}/missing').status_code == 404
assert session.get(f'{BASE}/missing').from_cache
assert not session.post(f'{BASE}/post', json={'a': 1, 'b': 2}).from_cache
assert session.post(f'{BASE}/post', json={'b': 2, 'a': 1}).from_cache

for response in session.get(f'{BASE}/redirect').history:
    assert response.status_code == 302
assert all(r.from_cache for r in session.get(f'{BASE}/redirect').history)
assert 'moved' not in session.get(f'{BASE}/redirect').url

print(sorted(url.replace(BASE, '') for url in session.cache.urls()))
print('%d responses' % len(session.cache.responses))
"""

OPTIONS = """
from requests_cache import CachedSession, DO_NOT_CACHE, EXPIRE_IMMEDIATELY, NEVER_EXPIRE

session = CachedSession('cache', expire_after=360)
url = f'{BASE}/tagged'
session.get(url, expire_after=DO_NOT_CACHE)
assert not session.cache.contains(url=url)
session.get(url, expire_after=60)
assert session.cache.contains(url=url)
assert session.get(url, refresh=True).revalidated
assert not session.get(url, force_refresh=True).from_cache
assert session.get(url, only_if_cached=True).from_cache
missing = session.get(f'{BASE}/nothing', only_if_cached=True)
assert missing.status_code == 504
try:
    missing.raise_for_status()
except requests.HTTPError as error:
    print(str(error).replace(BASE, ''))

session.settings.expire_after = NEVER_EXPIRE
assert session.get(f'{BASE}/never').expires is None
with session.cache_disabled():
    assert not session.get(url).from_cache

request = requests.Request('GET', url, headers={'X-Any': '1'})
assert session.send(session.prepare_request(request), expire_after=EXPIRE_IMMEDIATELY) is not None
assert session.send(request.prepare(), only_if_cached=True).status_code in (200, 504)
with session.get(url, stream=True) as response:
    assert b''.join(response.iter_content(2)) == b'tagged'
"""

REMOVAL = """
from requests_cache import CachedSession

session = CachedSession('cache')
session.get(f'{BASE}/a', expire_after=0.05)
session.get(f'{BASE}/b', expire_after=3600)
session.get(f'{BASE}/c')
while not list(session.cache.filter(valid=False, expired=True)):
    time.sleep(0.01)
session.cache.delete(expired=True)
assert not session.cache.contains(url=f'{BASE}/a')
session.cache.delete(urls=[f'{BASE}/b'])
session.cache.delete(requests=[requests.Request('GET', f'{BASE}/unknown')])
session.cache.delete(older_than=timedelta(days=7))
assert [r.url for r in session.cache.filter()] == [f'{BASE}/c']
session.cache.reset_expiration(timedelta(days=30))
assert session.get(f'{BASE}/c').expires > datetime.now(timezone.utc) + timedelta(days=29)
key = session.cache.create_key(requests.Request('GET', f'{BASE}/c'))
assert session.cache.contains(key)
session.cache.delete(key)
session.cache.clear()
print(len(session.cache))
"""

PATCHING = """
import requests_cache
from requests_cache import CachedSession

before = requests.Session()
requests_cache.install_cache('demo', expire_after=180, allowable_methods=('GET', 'POST'))
assert requests_cache.is_installed()
requests.get(f'{BASE}/a')
assert requests.get(f'{BASE}/a').from_cache
assert requests.get(f'{BASE}/a', expire_after=60).from_cache
assert before.get(f'{BASE}/a').from_cache
assert requests.post(f'{BASE}/p', data={'x': 1}).from_cache is False
with requests_cache.disabled():
    assert not hasattr(requests.get(f'{BASE}/a'), 'from_cache')
requests_cache.delete(urls=[f'{BASE}/a'])
requests_cache.delete(expired=True)
assert requests_cache.get_cache().urls() == [f'{BASE}/p']
requests_cache.clear()
requests_cache.uninstall_cache()
assert not requests_cache.is_installed()
with requests_cache.enabled('other'):
    requests.get(f'{BASE}/a')
    assert requests.get(f'{BASE}/a').from_cache
assert not hasattr(requests.get(f'{BASE}/a'), 'from_cache')
requests_cache.delete(expired=True)
print(sorted(os.listdir()))
"""

MIXIN = '''
from requests_cache import CacheMixin, CachedSession

class Limited:
    def __init__(self, per_second, **kwargs):
        super().__init__(**kwargs)
        self.per_second, self.sent = per_second, 0

    def send(self, request, **kwargs):
        self.sent += 1
        return super().send(request, **kwargs)

class CachedLimited(CacheMixin, Limited, requests.Session):
    """The recipe of the guide: a cache in front of another mixin."""

session = CachedLimited(cache_name='demo', per_second=5, expire_after=60)
assert not session.get(f'{BASE}/a').from_cache
assert session.get(f'{BASE}/a').from_cache
wrapped = CachedSession.wrap(requests.Session(), cache_name='demo')
assert wrapped.get(f'{BASE}/a').from_cache
print(session.per_second)
'''

SCRIPTS = {
    "session": (
        SESSION,
        [
            (
                "['/fast', '/forever', '/get?b=1&a=2&api_key=REDACTED', '/missing', '/post', '/redirect', "
                "'/slow', '/to']"
            )
        ],
        {"/fast": 1, "/private": 2, "/get": 1, "/missing": 1, "/post": 1, "/redirect": 1, "/to": 1},
    ),
    "options": (OPTIONS, ["504 Server Error: Not Cached for url: /nothing"], {"/nothing": 0, "/never": 1}),
    "removal": (REMOVAL, ["0"], {"/a": 1, "/b": 1, "/c": 1, "/unknown": 0}),
    "patching": (PATCHING, ["['demo.yaml', 'other.yaml']"], {"/a": 4, "/p": 1}),
    "mixin": (MIXIN, ["5"], {"/a": 1}),
}


@pytest.mark.parametrize(("script", "printed", "counts"), SCRIPTS.values(), ids=SCRIPTS.keys())
def test_script_runs_with_only_its_import_changed(origin, tmp_path, script, printed, counts):
    """Issue 3, "Done when": session, settings, options, removal, patching, response attributes."""
    origin["/missing"] = Answer("none", status=404)
    origin["/redirect"] = Answer("moved", status=302, headers={"Location": "/to"})
    origin["/tagged"] = Answer("tagged", headers={"ETag": '"1"'})
    path = tmp_path / "script.py"
    path.write_text(USER_SETUP + script.replace(BEFORE, AFTER))
    run_in = tmp_path / "run"
    run_in.mkdir()
    root = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path), origin.url],
        cwd=run_in,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[: len(printed)] == printed
    assert {path: origin.count(path) for path in counts} == counts
