// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// An OpenID provider for the tests (auth_env.py). Any password is right, and nobody is asked for
// consent.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

const settings = JSON.parse(process.env.SETTINGS);

async function grantAll(ctx) {
  const grant = new ctx.oidc.provider.Grant({
    clientId: ctx.oidc.client.clientId,
    accountId: ctx.oidc.session.accountId,
  });
  grant.addOIDCScope('openid email roles');
  if (ctx.oidc.params.resource) {
    grant.addResourceScope(ctx.oidc.params.resource, 'manage');
  }
  await grant.save();
  return grant;
}

const provider = new Provider(settings.issuer, {
  clients: [
    { client_id: 'usermgmt', client_secret: settings.secret, redirect_uris: settings.redirects },
    { client_id: 'program', client_secret: settings.secret,
      redirect_uris: [settings.program_redirect] },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], roles: ['roles', 'realm_access'] },
  cookies: { keys: ['a key for cookies'] },
  pkce: { required: () => false },
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // A token for RESOURCE?short lives for a second.
      getResourceServerInfo: (ctx, resource) => ({
        scope: 'manage',
        audience: resource.replace('?short', ''),
        accessTokenFormat: 'jwt',
        accessTokenTTL: resource.endsWith('?short') ? 1 : 600,
      }),
      useGrantedResource: () => true,
    },
  },
  extraTokenClaims: (ctx, token) => settings.accounts[token.accountId],
  findAccount: (ctx, id) => settings.accounts[id] && {
    accountId: id,
    claims: () => ({ sub: id, ...settings.accounts[id] }),
  },
  loadExistingGrant: grantAll,
});

createServer({ cert: readFileSync(settings.certificate), key: readFileSync(settings.key) },
  provider.callback()).listen(settings.port, 'localhost');
