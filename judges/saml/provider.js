// A provider by auth0's samlp: prints its metadata, or answers the request in a redirect address with a signed answer.
//   provider.js MODULES metadata DIR
//   provider.js MODULES answer DIR URL assertion|response|both
'use strict';
const fs = require('fs');
const path = require('path');

const [modules, way, dir, url, signed] = process.argv.slice(2);
const samlp = require(path.join(modules, 'samlp'));
const key = fs.readFileSync(path.join(dir, 'key.pem'));
const cert = fs.readFileSync(path.join(dir, 'certificate.pem'));
const issuer = 'urn:judge:idp';
const user = { id: '1', provider: 'judge', displayName: 'Ada Lovelace', name: { familyName: 'Lovelace', givenName: 'Ada' }, emails: [{ value: 'ada@example.com' }] };

const fail = error => {
  process.stderr.write(`${error && error.stack ? error.stack : error}\n`);
  process.exit(1);
};

if (way === 'metadata') {
  const request = { originalUrl: '/FederationMetadata/2007-06/FederationMetadata.xml', headers: { host: 'localhost' }, protocol: 'http' };
  const response = { set() {}, send: text => process.stdout.write(text) };
  samlp.metadata({ issuer, cert, redirectEndpointPath: '/sso', postEndpointPath: '/sso' })(request, response);
} else {
  const query = Object.fromEntries(new URL(url).searchParams);
  samlp.parseRequest({ query }, {}, (error, asked) => {
    if (error) fail(error);
    const place = asked.assertionConsumerServiceURL;
    const options = {
      issuer,
      cert,
      key,
      recipient: place,
      destination: place,
      signAssertion: signed !== 'response',
      signResponse: signed !== 'assertion',
      getUserFromRequest: () => user,
      getPostURL: (audience, dom, request, done) => done(null, place),
      responseHandler: document => process.stdout.write(document.toString('base64')),
    };
    samlp.auth(options)({ method: 'GET', query }, { set() {}, send: fail }, fail);
  });
}
