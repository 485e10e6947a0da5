// Every flow of openid-client, against the provider.
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { given, run } from './talk.mjs'

const { issuer, back, applications } = given
const everything = 'openid profile email offline_access'

/** The provider as an application sees it that shows who it is in the given way. */
async function discover(name, authentication) {
  const app = applications[name]
  const config = await oidc.discovery(new URL(issuer), app.client_id, app.client_secret, authentication?.(app.client_secret))
  oidc.enableNonRepudiationChecks(config) // the signatures too, not TLS alone
  return config
}

/** Sends a person to sign in, and returns the answer with what it has to agree with. */
async function asks(config, browser, changes = {}, how = oidc.buildAuthorizationUrl, options) {
  const { decision, ...parameters } = changes
  const checks = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() }
  const url = await how(
    config,
    {
      redirect_uri: back,
      scope: everything,
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...parameters,
    },
    options,
  )
  return { ...(await browser.opens(url, decision)), checks }
}

/** Goes on with what follows from a sign-in, to its end. */
async function lives(config, tokens, options) {
  const sub = tokens.claims().sub
  const person = await oidc.fetchUserInfo(config, tokens.access_token, sub, options)
  assert.equal(person.name, given.person.name)
  assert.equal(person.email, given.person.email)
  assert.equal(person.email_verified, true)

  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, options)
  assert.notEqual(next.refresh_token, tokens.refresh_token)
  assert.equal(next.claims().sub, sub)
  // Who lost the answer asks once more, within the grace window.
  const again = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, options)
  assert.equal(again.refresh_token, next.refresh_token)
  return next
}

/** Signs in, and uses the tokens, as every application does. */
async function signsIn(config, browser, changes, how, options) {
  const { url, checks } = await asks(config, browser, changes, how, options)
  const tokens = await oidc.authorizationCodeGrant(config, url, checks, undefined, options)
  const next = await lives(config, tokens, options)
  return { tokens, next }
}

/** Takes the grant back; the tokens are worth nothing then. */
async function takesBack(config, { next }) {
  assert.equal((await oidc.tokenIntrospection(config, next.access_token)).active, true)
  assert.equal((await oidc.tokenIntrospection(config, next.refresh_token)).active, true)
  await oidc.tokenRevocation(config, next.refresh_token)
  assert.deepEqual(await oidc.tokenIntrospection(config, next.refresh_token), { active: false })
  assert.deepEqual(await oidc.tokenIntrospection(config, next.access_token), { active: false })
  await assert.rejects(oidc.fetchUserInfo(config, next.access_token, oidc.skipSubjectCheck), { status: 401 })
  await assert.rejects(oidc.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' })
}

async function tokenForItself(config, options) {
  const tokens = await oidc.clientCredentialsGrant(config, { scope: 'orders.read' }, options)
  assert.equal(tokens.scope, 'orders.read')
  assert.equal(tokens.refresh_token, undefined)
  assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, true)
  return tokens
}

/** How the keys of each algorithm are imported. */
const imports = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  Ed25519: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
}

/** The provider for an application that signs assertions. */
async function discoverByKey(name, algorithm) {
  const jwk = applications[name].keys[algorithm]
  const key = await crypto.subtle.importKey('jwk', jwk, imports[algorithm], false, ['sign'])
  return discover(name, () => oidc.PrivateKeyJwt({ key, kid: jwk.kid }))
}

const flows = {
  discovery: async () => {
    const metadata = (await discover('basic')).serverMetadata()
    assert.equal(metadata.issuer, issuer)
    assert.equal(metadata.supportsPKCE(), true)
    assert.equal(metadata.authorization_response_iss_parameter_supported, true)
    // RFC 8414 has another address for the same.
    const other = await oidc.discovery(new URL(issuer), applications.basic.client_id, undefined, undefined, { algorithm: 'oauth2' })
    assert.equal(JSON.stringify(other.serverMetadata()), JSON.stringify(metadata))
  },

  client_secret_basic: async (browser) => {
    const config = await discover('basic', oidc.ClientSecretBasic)
    await takesBack(config, await signsIn(config, browser))
  },

  client_secret_post: async (browser) => {
    const config = await discover('post', oidc.ClientSecretPost)
    await takesBack(config, await signsIn(config, browser))
  },

  private_key_jwt: async (browser) => {
    const config = await discoverByKey('key', 'ES256')
    await takesBack(config, await signsIn(config, browser))
  },

  'no secret': async (browser) => {
    const config = await discover('spa', oidc.None)
    const { next } = await signsIn(config, browser)
    await oidc.tokenRevocation(config, next.refresh_token)
    await assert.rejects(oidc.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' })
  },

  'loopback address': async (browser) => {
    const config = await discover('native', oidc.None)
    await signsIn(config, browser, { redirect_uri: 'http://127.0.0.1:45678/back' })
  },

  'pushed request': async (browser) => {
    const config = await discover('par', oidc.ClientSecretBasic)
    const { url, checks } = await asks(config, browser)
    await assert.rejects(oidc.authorizationCodeGrant(config, url, checks), { error: 'invalid_request' }) // it must be pushed
    await signsIn(config, browser, {}, oidc.buildAuthorizationUrlWithPAR)
  },

  'max_age and acr_values': async (browser) => {
    const config = await discover('basic', oidc.ClientSecretBasic)
    const { url, checks } = await asks(config, browser, { max_age: 60, acr_values: given.acr })
    const tokens = await oidc.authorizationCodeGrant(config, url, { ...checks, maxAge: 60 })
    assert.equal(tokens.claims().acr, given.acr)
    assert.deepEqual(tokens.claims().amr, ['pwd'])
  },

  form_post: async (browser) => {
    const config = await discover('basic', oidc.ClientSecretBasic)
    const { url, form, checks } = await asks(config, browser, { response_mode: 'form_post' })
    const request = new Request(url, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form })
    await lives(config, await oidc.authorizationCodeGrant(config, request, checks))
  },

  implicit: async (browser) => {
    const config = await discover('implicit', oidc.None)
    oidc.useIdTokenResponseType(config)
    const nonce = oidc.randomNonce()
    const { url } = await browser.opens(oidc.buildAuthorizationUrl(config, { redirect_uri: back, scope: 'openid email', nonce }))
    const said = await oidc.implicitAuthentication(config, url, nonce)
    assert.equal(said.email, given.person.email)
  },

  refusal: async (browser) => {
    const config = await discover('shy', oidc.ClientSecretBasic)
    const denied = await asks(config, browser, { decision: 'deny', prompt: 'consent' })
    await assert.rejects(oidc.authorizationCodeGrant(config, denied.url, denied.checks), { error: 'access_denied' })
    const silent = await asks(config, browser, { prompt: 'none', scope: 'openid' })
    assert.equal(silent.url.searchParams.get('error'), 'consent_required')
  },

  'answers of another issuer': async (browser) => {
    const config = await discover('basic', oidc.ClientSecretBasic)
    const { url, checks } = await asks(config, browser)
    assert.equal(url.searchParams.get('iss'), issuer)
    for (const iss of ['https://evil.example', undefined]) {
      const forged = new URL(url)
      iss ? forged.searchParams.set('iss', iss) : forged.searchParams.delete('iss')
      await assert.rejects(oidc.authorizationCodeGrant(config, forged, checks), (err) => /iss/.test(err.cause.message))
    }
    await oidc.authorizationCodeGrant(config, url, checks) // none of it has used the code up
  },

  device: async (browser) => {
    const config = await discover('device', oidc.None)
    const begun = await oidc.initiateDeviceAuthorization(config, { scope: everything })
    assert.match(begun.user_code, /^[A-Z]{4}-[A-Z]{4}$/)
    assert.equal(begun.verification_uri, issuer + '/device')
    await browser.opens(begun.verification_uri_complete)
    await lives(config, await oidc.pollDeviceAuthorizationGrant(config, begun))
  },

  'device that is denied': async (browser) => {
    const config = await discover('device', oidc.None)
    const begun = await oidc.initiateDeviceAuthorization(config, { scope: everything })
    await browser.opens(begun.verification_uri_complete, 'deny')
    await assert.rejects(oidc.pollDeviceAuthorizationGrant(config, begun), { error: 'access_denied' })
  },

  'client credentials': async () => {
    await tokenForItself(await discover('service', oidc.ClientSecretBasic))
    await tokenForItself(await discover('service_post', oidc.ClientSecretPost))
    for (const algorithm of Object.keys(applications.service_key.keys)) await tokenForItself(await discoverByKey('service_key', algorithm))
    await assert.rejects(tokenForItself(await discover('service', () => oidc.ClientSecretBasic('wrong'))), { status: 401 })
  },

  'signing out': async (browser) => {
    const config = await discover('basic', oidc.ClientSecretBasic)
    const { tokens } = await signsIn(config, browser, { scope: 'openid profile email' })
    const end = oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: given.bye, id_token_hint: tokens.id_token, state: 'bye' })
    const { url } = await browser.opens(end)
    assert.equal(String(url), given.bye + '?state=bye')
    // The session is over, and what was granted in it.
    assert.deepEqual(await oidc.tokenIntrospection(config, tokens.access_token), { active: false })
    const silent = await asks(config, browser, { prompt: 'none' })
    await assert.rejects(oidc.authorizationCodeGrant(config, silent.url, silent.checks), { error: 'login_required' })
  },
}

for (const algorithm of ['ES256', 'Ed25519', 'RS256', 'PS256']) {
  flows['DPoP by ' + algorithm] = async (browser) => {
    const config = await discover('dpop', oidc.None)
    const keys = await oidc.randomDPoPKeyPair(algorithm)
    const DPoP = oidc.getDPoPHandle(config, keys)
    const { tokens, next } = await signsIn(config, browser, { dpop_jkt: await DPoP.calculateThumbprint() }, undefined, { DPoP })
    assert.equal(tokens.token_type, 'dpop')
    await assert.rejects(oidc.fetchUserInfo(config, next.access_token, oidc.skipSubjectCheck), { status: 401 })
    const thief = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair(algorithm))
    await assert.rejects(oidc.fetchUserInfo(config, next.access_token, oidc.skipSubjectCheck, { DPoP: thief }), { status: 401 })
    await assert.rejects(oidc.refreshTokenGrant(config, next.refresh_token, undefined, { DPoP: thief }), { error: /invalid_grant|invalid_dpop_proof/ })
    // A proof with the pushed request binds the code.
    await signsIn(config, browser, {}, oidc.buildAuthorizationUrlWithPAR, { DPoP })
  }
}

for (const algorithm of ['ES256', 'EdDSA', 'RS256']) {
  flows['ID tokens by ' + algorithm] = async (browser) => {
    const config = await discover(algorithm, oidc.ClientSecretBasic)
    const { tokens } = await signsIn(config, browser)
    assert.equal(JSON.parse(atob(tokens.id_token.split('.')[0])).alg, algorithm)
  }
}

await run(flows)
