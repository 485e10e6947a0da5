// Every flow of oauth4webapi, against the provider; and what a resource server does
// with the tokens.
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { given, run } from './talk.mjs'

const { back, applications } = given
const issuer = new URL(given.issuer)
const everything = 'openid profile email offline_access'
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer))

const basic = (app) => oauth.ClientSecretBasic(app.client_secret)
const post = (app) => oauth.ClientSecretPost(app.client_secret)
const none = () => oauth.None()

/** Sends a person to sign in and returns the answer, with what it has to agree with. */
async function asks(client, browser, { authentication, pushed, decision, options, ...changes } = {}) {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  let parameters = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: back,
    response_type: 'code',
    scope: everything,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...changes,
  })
  if (pushed) {
    const response = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, response)
    parameters = new URLSearchParams({ client_id: client.client_id, request_uri })
  }
  const { url } = await browser.opens(`${as.authorization_endpoint}?${parameters}`, decision)
  return { url, state, nonce, verifier }
}

/** The code flow to its end, with the signature of the ID token. */
async function signsIn(name, browser, by, changes = {}) {
  const client = applications[name]
  const { options } = changes
  const authentication = by(client)
  const { url, state, nonce, verifier } = await asks(client, browser, { authentication, ...changes })
  const answer = oauth.validateAuthResponse(as, client, url, state)
  const response = await oauth.authorizationCodeGrantRequest(as, client, authentication, answer, back, verifier, options)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, response)
  return { client, authentication, options, tokens, sub: oauth.getValidatedIdTokenClaims(tokens).sub }
}

async function person({ client, sub, options }, token) {
  return oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, token, options))
}

async function refreshes({ client, authentication, options }, token) {
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, token, options)
  return oauth.processRefreshTokenResponse(as, client, response)
}

async function introspects({ client, authentication }, token) {
  return oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, authentication, token))
}

/** Uses the tokens of a sign-in, and takes them back. */
async function lives(signedIn) {
  const { client, authentication, tokens } = signedIn
  assert.equal((await person(signedIn, tokens.access_token)).email, given.person.email)
  const next = await refreshes(signedIn, tokens.refresh_token)
  assert.notEqual(next.refresh_token, tokens.refresh_token)
  assert.equal((await refreshes(signedIn, tokens.refresh_token)).refresh_token, next.refresh_token)
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, next.refresh_token))
  await assert.rejects(refreshes(signedIn, next.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(person(signedIn, next.access_token), { status: 401 })
}

/** What a resource server sees in a token, which knows the issuer alone. */
async function resource(token, { audience = given.issuer, DPoP } = {}) {
  let request
  const arrives = async (url, options) => ((request = new Request(url, options)), new Response())
  await oauth.protectedResourceRequest(token, 'GET', new URL('https://api.example.com/orders'), undefined, null, { DPoP, [oauth.customFetch]: arrives })
  return oauth.validateJwtAccessToken(as, request, audience, { requireDPoP: !!DPoP })
}

async function tokenForItself(name, by, parameters = { scope: 'orders.read' }) {
  const client = applications[name]
  const authentication = await by(client)
  const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters)
  const tokens = await oauth.processClientCredentialsResponse(as, client, response)
  assert.equal((await introspects({ client, authentication }, tokens.access_token)).client_id, client.client_id)
  return tokens
}

const flows = {
  client_secret_basic: async (browser) => {
    const signedIn = await signsIn('basic', browser, basic)
    assert.equal((await introspects(signedIn, signedIn.tokens.refresh_token)).active, true)
    await lives(signedIn)
    assert.deepEqual(await introspects(signedIn, signedIn.tokens.access_token), { active: false })
  },

  client_secret_post: async (browser) => lives(await signsIn('post', browser, post)),

  'no secret': async (browser) => lives(await signsIn('spa', browser, none)),

  'pushed request': async (browser) => {
    await lives(await signsIn('par', browser, basic, { pushed: true }))
    const client = applications.par
    const { url, state } = await asks(client, browser)
    assert.throws(() => oauth.validateAuthResponse(as, client, url, state), { error: 'invalid_request' })
  },

  DPoP: async (browser) => {
    const client = applications.dpop
    const keys = await oauth.generateKeyPair('ES256')
    const options = { DPoP: oauth.DPoP(client, keys) }
    const signedIn = await signsIn('dpop', browser, none, { pushed: true, options })
    assert.equal(signedIn.tokens.token_type, 'dpop')
    const claims = await resource(signedIn.tokens.access_token, options)
    assert.equal(claims.sub, signedIn.sub)
    await lives(signedIn)
  },

  'refusal, with its issuer': async (browser) => {
    const client = applications.shy
    const { url, state } = await asks(client, browser, { decision: 'deny', prompt: 'consent' })
    assert.equal(url.searchParams.get('iss'), given.issuer)
    assert.throws(() => oauth.validateAuthResponse(as, client, url, state), { error: 'access_denied' })
    for (const iss of ['https://evil.example', undefined]) {
      iss ? url.searchParams.set('iss', iss) : url.searchParams.delete('iss')
      assert.throws(() => oauth.validateAuthResponse(as, client, url, state), /iss/)
    }
  },

  device: async (browser) => {
    const client = applications.device
    const begun = await oauth.processDeviceAuthorizationResponse(as, client, await oauth.deviceAuthorizationRequest(as, client, oauth.None(), { scope: everything }))
    const polls = async () => {
      const response = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), begun.device_code)
      return oauth.processDeviceCodeResponse(as, client, response)
    }
    await assert.rejects(polls(), { error: 'authorization_pending' })
    await assert.rejects(polls(), { error: 'slow_down' })
    await browser.opens(begun.verification_uri_complete)
    await new Promise((done) => setTimeout(done, (begun.interval + 5) * 1000)) // it was told to slow down
    const tokens = await polls()
    assert.equal((await person({ client, sub: oauth.getValidatedIdTokenClaims(tokens).sub }, tokens.access_token)).name, given.person.name)
  },

  'client credentials, for a resource server': async () => {
    const claims = await resource((await tokenForItself('service', basic)).access_token)
    assert.equal(claims.sub, applications.service.client_id)
    assert.equal(claims.scope, 'orders.read')
    await tokenForItself('service_post', post)
    await assert.rejects(tokenForItself('service', basic, { scope: 'orders.write' }), { error: 'invalid_scope' })
    await assert.rejects(resource((await tokenForItself('service', basic)).access_token, { audience: 'https://another.example' }))
  },
}

for (const algorithm of ['ES256', 'EdDSA', 'RS256']) {
  flows['tokens by ' + algorithm] = async (browser) => {
    const { tokens, sub } = await signsIn(algorithm, browser, basic)
    assert.equal((await resource(tokens.access_token)).sub, sub)
  }
}

await run(flows)
