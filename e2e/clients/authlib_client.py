"""Authlib against the provider: discovery, the code flow, what follows from it, and
applications that act for themselves. It talks with the test as talk.mjs does."""

import json
import os
import socket
import sys
import time
import traceback
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebSignature, JsonWebToken
from authlib.jose.errors import JoseError
from authlib.jose.rfc8037 import register_jws_rfc8037
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken

given = json.loads(os.environ["GUILDHALL_GIVEN"])
register_jws_rfc8037(JsonWebSignature)  # EdDSA, which Authlib has to be told to take

# Every name below .localhost is this machine, as browsers have it.
lookup = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: lookup("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **more)


def say(**line):
    print(json.dumps(line), flush=True)


asked = 0


def opens(flow, url):
    """Has the person's browser open an address, and returns where it was sent."""
    global asked
    asked += 1
    say(id=asked, flow=flow, url=url, decision="allow")
    answer = json.loads(sys.stdin.readline())
    assert answer["id"] == asked
    return answer["url"]


provider = requests.get(given["issuer"] + "/.well-known/openid-configuration", timeout=60).json()
assert provider["issuer"] == given["issuer"]
keys = JsonWebKey.import_key_set(requests.get(provider["jwks_uri"], timeout=60).json())


def session(name, **more):
    app = given["applications"][name]
    way = more.get("token_endpoint_auth_method")
    s = OAuth2Session(app["client_id"], app.get("client_secret"), redirect_uri=given["back"], default_timeout=60, revocation_endpoint_auth_method=way, **more)
    s.metadata["token_endpoint"] = provider["token_endpoint"]  # whom an assertion is for
    return s


def verified(token, algorithms, kind, claims=None, **expected):
    """Is what a token says that the provider signed for us."""
    options = {name: {"essential": True, "value": value} for name, value in {"iss": given["issuer"], **expected}.items()}
    said = JsonWebToken(algorithms).decode(token, keys, claims_cls=claims, claims_options=options, claims_params={"nonce": "n-1"} if claims else None)
    said.validate(leeway=5)
    assert said.header["typ"] == kind, said.header
    return said


def refused(error, call, *args, **more):
    try:
        call(*args, **more)
    except error as err:
        return err
    raise AssertionError(f"{call} was not refused")


def signs_in(flow, name, algorithm="ES256", public=False, **how):
    s = session(name, scope="openid profile email offline_access", code_challenge_method="S256", **how)
    verifier = generate_token(64)
    url, state = s.create_authorization_url(provider["authorization_endpoint"], code_verifier=verifier, nonce="n-1")
    back = opens(flow, url)
    answer = parse_qs(urlsplit(back).query)
    assert answer["iss"] == [given["issuer"]] and answer["state"] == [state], back

    tokens = s.fetch_token(provider["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
    said = verified(tokens["id_token"], [algorithm], "JWT", CodeIDToken, aud=s.client_id)
    access = verified(tokens["access_token"], [algorithm], "at+jwt", client_id=s.client_id, sub=said["sub"])
    refused(JoseError, verified, tokens["id_token"], [algorithm], "JWT", CodeIDToken, aud="app_of_somebody_else")
    refused(JoseError, verified, tokens["id_token"][:-8] + "AAAAAAAA", [algorithm], "JWT", CodeIDToken, aud=s.client_id)
    person = s.get(provider["userinfo_endpoint"]).json()
    assert person["sub"] == said["sub"] == access["sub"], person
    assert (person["name"], person["email"], person["email_verified"]) == (given["person"]["name"], given["person"]["email"], True), person

    old = tokens["refresh_token"]
    following = s.refresh_token(provider["token_endpoint"], refresh_token=old)
    assert following["refresh_token"] != old
    assert verified(following["id_token"], [algorithm], "JWT", aud=s.client_id)["sub"] == said["sub"]
    if not public:
        assert s.introspect_token(provider["introspection_endpoint"], token=following["access_token"]).json()["active"] is True
    assert s.revoke_token(provider["revocation_endpoint"], token=following["refresh_token"]).status_code == 200
    assert s.get(provider["userinfo_endpoint"]).status_code == 401
    gone = refused(OAuthError, s.refresh_token, provider["token_endpoint"], refresh_token=following["refresh_token"])
    assert gone.error == "invalid_grant", gone


def replays(flow):
    """A code works once; what followed from it dies with the second try."""
    s = session("basic", scope="openid", code_challenge_method="S256")
    verifier = generate_token(64)
    url, state = s.create_authorization_url(provider["authorization_endpoint"], code_verifier=verifier)
    back = opens(flow, url)
    s.fetch_token(provider["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
    assert s.get(provider["userinfo_endpoint"]).status_code == 200
    kept = s.token
    again = refused(OAuthError, session("basic").fetch_token, provider["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
    assert again.error == "invalid_grant", again
    s.token = kept
    assert s.get(provider["userinfo_endpoint"]).status_code == 401


def for_itself(_, name, **how):
    s = session(name, scope="orders.read", **how)
    tokens = s.fetch_token(provider["token_endpoint"], grant_type="client_credentials")
    assert tokens["scope"] == "orders.read" and "refresh_token" not in tokens, tokens
    verified(tokens["access_token"], ["ES256"], "at+jwt", client_id=s.client_id, sub=s.client_id)
    more = refused(OAuthError, session(name, scope="openid", **how).fetch_token, provider["token_endpoint"], grant_type="client_credentials")
    assert more.error == "invalid_scope", more


def by_key(flow, algorithm):
    app = given["applications"]["service_key"]
    s = session("service_key", scope="orders.read", token_endpoint_auth_method="private_key_jwt")
    s.client_secret = JsonWebKey.import_key(app["keys"][algorithm])
    # Authlib's assertions live for an hour unless they are told otherwise; ours may for minutes.
    s.register_client_auth_method(PrivateKeyJWT(provider["token_endpoint"], claims={"exp": int(time.time()) + 120}, alg=algorithm))
    tokens = s.fetch_token(provider["token_endpoint"], grant_type="client_credentials")
    verified(tokens["access_token"], ["ES256"], "at+jwt", client_id=s.client_id)


flows = {
    "code": lambda flow: signs_in(flow, "basic"),
    "code, secret in the form": lambda flow: signs_in(flow, "post", token_endpoint_auth_method="client_secret_post"),
    "code without a secret": lambda flow: signs_in(flow, "spa", public=True, token_endpoint_auth_method="none"),
    "code, EdDSA": lambda flow: signs_in(flow, "EdDSA", "EdDSA"),
    "code, RS256": lambda flow: signs_in(flow, "RS256", "RS256"),
    "code twice": replays,
    "client credentials": lambda flow: for_itself(flow, "service"),
    "client credentials, secret in the form": lambda flow: for_itself(flow, "service_post", token_endpoint_auth_method="client_secret_post"),
    "assertion, ES256": lambda flow: by_key(flow, "ES256"),
    "assertion, RS256": lambda flow: by_key(flow, "RS256"),
}
for flow, steps in flows.items():
    try:
        steps(flow)
        say(flow=flow, done=True)
    except Exception:  # whatever it is, it is how the flow ended
        say(flow=flow, done=True, failed=traceback.format_exc())
