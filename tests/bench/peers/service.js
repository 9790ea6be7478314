// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// A user service as one writes it by hand with Fastify and pg, on the module's own tables:
// build/bench's comparison. It has no roles, no audit trail, no ETags and no Idempotency-Key.
// From the environment: PORT, LOGIN (of Basic auth), PGHOST, PGUSER, PGDATABASE, WORKERS,
// CONNECTIONS (of each worker).
'use strict'

const cluster = require('node:cluster')
const crypto = require('node:crypto')

const user = {
  type: 'object',
  properties: {
    user_uid: { type: 'string' },
    email: { type: 'string' },
    display_name: { type: 'string' },
    phone: { type: 'string' },
    role: { type: 'string' },
    active: { type: 'boolean' },
    created_at: { type: 'string' },
    updated_at: { type: 'string' }
  },
  additionalProperties: true
}
const one = { type: 'object', properties: { userData: user } }
const page = {
  type: 'object',
  properties: {
    query_count: { type: 'integer' },
    users: { type: 'array', items: user },
    first_uid: { type: ['string', 'null'] },
    last_uid: { type: ['string', 'null'] }
  }
}
const listed = {
  type: 'object',
  properties: {
    limit: { type: 'integer', minimum: 1, maximum: 1000, default: 5 },
    start_after_id: { type: 'string', default: '' }
  }
}
const made = {
  type: 'object',
  required: ['email', 'display_name'],
  properties: {
    email: { type: 'string', format: 'email', maxLength: 254 },
    display_name: { type: 'string', minLength: 1, maxLength: 256 },
    phone: { type: 'string', minLength: 3, maxLength: 32 }
  },
  additionalProperties: true
}

const SELECT = `SELECT u.user_uid, u.email, u.display_name, u.phone, u.active, u.attributes,
  u.created_at, u.updated_at, s.user_uid IS NOT NULL AS sub_admin
  FROM users u LEFT JOIN sub_admins s ON s.org_id = u.org_id AND s.user_uid = u.user_uid`
const statements = {
  read: SELECT + ' WHERE u.org_id = $1 AND u.user_uid = $2',
  list: SELECT + ' WHERE u.org_id = $1 AND u.user_uid > $2 ORDER BY u.user_uid LIMIT $3',
  count: 'SELECT sum(user_count) AS count FROM organization_counts WHERE org_id = $1',
  create: `INSERT INTO users (org_id, user_uid, email, email_key, display_name,
    display_name_folded, phone, attributes, created_at, updated_at)
    VALUES ($1, $2, $3, lower($3), $4, lower($4), $5, $6, $7, $7) ON CONFLICT DO NOTHING`
}

const time = (milliseconds) => new Date(Number(milliseconds)).toISOString()
const toUser = (row) => ({
  user_uid: row.user_uid,
  email: row.email,
  display_name: row.display_name,
  phone: row.phone ?? undefined,
  role: row.sub_admin ? 'sub_admin' : 'user',
  active: row.active === 1,
  created_at: time(row.created_at),
  updated_at: time(row.updated_at),
  ...JSON.parse(row.attributes)
})
const newUid = () => Date.now().toString(36) + crypto.randomBytes(6).toString('hex')

async function serve () {
  const { Pool } = require('pg')
  const pool = new Pool({ max: Number(process.env.CONNECTIONS) })
  // By its name a statement is prepared once on each connection.
  const query = (name, values) => pool.query({ name, text: statements[name], values })
  const found = await pool.query("SELECT org_id FROM organizations WHERE name = 'default'")
  const org = found.rows[0].org_id
  const login = 'Basic ' + Buffer.from(process.env.LOGIN).toString('base64')
  const app = require('fastify')({ routerOptions: { ignoreTrailingSlash: true } })

  app.addHook('onRequest', async (request, reply) => {
    if (request.headers.authorization !== login) reply.code(401).send({ code: 'unauthorized' })
  })
  app.get('/user-management/users/:uid', { schema: { response: { 200: one } } },
    async (request, reply) => {
      const { rows } = await query('read', [org, request.params.uid])
      if (rows.length === 0) return reply.code(404).send({ code: 'user_not_found' })
      return { userData: toUser(rows[0]) }
    })
  app.get('/user-management/users', { schema: { querystring: listed, response: { 200: page } } },
    async (request) => {
      const { limit, start_after_id: after } = request.query
      const [list, count] = await Promise.all([
        query('list', [org, after, limit]), query('count', [org])])
      const users = list.rows.map(toUser)
      return { query_count: Number(count.rows[0].count), users,
        first_uid: users.at(0)?.user_uid ?? null, last_uid: users.at(-1)?.user_uid ?? null }
    })
  app.post('/user-management/users', { schema: { body: made, response: { 201: one } } },
    async (request, reply) => {
      const { email, display_name: name, phone, ...attributes } = request.body
      const uid = newUid()
      const now = Date.now()
      const done = await query('create', [org, uid, email, name, phone ?? null,
        JSON.stringify(attributes), now])
      if (done.rowCount === 0) return reply.code(409).send({ code: 'email_exists' })
      reply.code(201).header('Location', request.url + '/' + uid)
      return { userData: toUser({ user_uid: uid, email, display_name: name, phone, active: 1,
        attributes: JSON.stringify(attributes), created_at: now, updated_at: now }) }
    })
  await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
}

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) cluster.fork()
} else {
  serve()
}
