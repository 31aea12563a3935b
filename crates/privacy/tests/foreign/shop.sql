-- A shop that nobody here wrote: what real applications do to a schema.
CREATE SCHEMA shop;

CREATE TABLE shop.users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    username varchar(40) NOT NULL UNIQUE,
    email text NOT NULL UNIQUE,
    password text NOT NULL,
    full_name text,
    newsletter boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- A circle: a person has addresses, and one of them is theirs by default.
CREATE TABLE shop.address (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES shop.users,
    street text NOT NULL,
    city text NOT NULL
);
ALTER TABLE shop.users ADD COLUMN default_address_id bigint REFERENCES shop.address;
-- Checked at the end of a transaction only, as Django declares them.
CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES shop.users DEFERRABLE INITIALLY DEFERRED,
    total numeric(12, 2) NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON shop.orders (customer_id);
CREATE TABLE shop.order_item (
    order_id bigint NOT NULL REFERENCES shop.orders DEFERRABLE INITIALLY DEFERRED,
    line integer NOT NULL,
    product text NOT NULL,
    engraving text,
    PRIMARY KEY (order_id, line)
);
-- A row goes with either of two people.
CREATE TABLE shop.message (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    sender_id bigint NOT NULL REFERENCES shop.users,
    recipient_id bigint NOT NULL REFERENCES shop.users,
    body text NOT NULL
);
-- Points at its own kind.
CREATE TABLE shop.comment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author_id bigint NOT NULL REFERENCES shop.users,
    parent_id bigint REFERENCES shop.comment,
    body text NOT NULL
);
-- A ticket is the shop's; who works on it is only named.
CREATE TABLE shop.ticket (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    assignee_id bigint REFERENCES shop.users,
    description text NOT NULL DEFAULT ''
);
-- An invoice must be kept, and its buyer must not be told from it once the books allow.
CREATE TABLE shop.invoice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    buyer_id bigint REFERENCES shop.users,
    buyer_name text NOT NULL,
    buyer_mail varchar(60) NOT NULL UNIQUE,
    amount numeric(12, 2) NOT NULL,
    issued_at date NOT NULL DEFAULT current_date
);
-- No foreign key at all: the address says who it is.
CREATE TABLE shop.subscription (
    list text NOT NULL,
    email text NOT NULL
);
-- In parts, by month.
CREATE TABLE shop.visit (
    user_uid uuid NOT NULL,
    path text NOT NULL,
    ip inet,
    at timestamptz NOT NULL
) PARTITION BY RANGE (at);
CREATE TABLE shop.visit_old PARTITION OF shop.visit FOR VALUES FROM ('2026-01-01') TO ('2026-06-01');
CREATE TABLE shop.visit_new PARTITION OF shop.visit FOR VALUES FROM ('2026-06-01') TO ('2027-01-01');
-- Whatever happened, as JSON that names people.
CREATE TABLE shop.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    data jsonb NOT NULL,
    raw bytea
);
CREATE TABLE shop.product (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text NOT NULL UNIQUE, price numeric(12, 2) NOT NULL);

INSERT INTO shop.users (username, email, password, full_name)
    SELECT CASE WHEN n = 7 THEN 'ada_lovelace' ELSE 'person' || n END, CASE WHEN n = 7 THEN 'Ada@Example.org' ELSE 'person' || n || '@example.org' END,
        'pbkdf2_sha256$1000000$' || md5(n::text) || '$' || md5((n + 1)::text), 'Person ' || n FROM generate_series(1, 60) AS n;
INSERT INTO shop.address (user_id, street, city) SELECT id, 'Street ' || id, 'Utrecht' FROM shop.users;
UPDATE shop.users AS u SET default_address_id = a.id FROM shop.address AS a WHERE a.user_id = u.id;
INSERT INTO shop.orders (customer_id, total) SELECT id, 10.50 * k FROM shop.users, generate_series(1, 5) AS k;
INSERT INTO shop.order_item (order_id, line, product, engraving) SELECT id, k, 'pen', 'for you' FROM shop.orders, generate_series(1, 3) AS k;
INSERT INTO shop.message (sender_id, recipient_id, body) SELECT id, id % 60 + 1, 'Hello there, how have you been?' FROM shop.users;
INSERT INTO shop.comment (author_id, body) SELECT id, 'I like this pen a lot, thank you.' FROM shop.users;
INSERT INTO shop.comment (author_id, parent_id, body) SELECT 8, id, 'And so do I, very much indeed.' FROM shop.comment WHERE author_id = 7;
INSERT INTO shop.ticket (assignee_id, description) SELECT id, 'The pen of a customer does not write.' FROM shop.users;
UPDATE shop.ticket SET description = 'Please answer ada@example.org, and also lada@example.org.' WHERE id = 3;
INSERT INTO shop.invoice (buyer_id, buyer_name, buyer_mail, amount) SELECT id, full_name, email, 99.90 FROM shop.users;
INSERT INTO shop.subscription SELECT list, email FROM shop.users, unnest(ARRAY['news', 'offers']) AS list;
INSERT INTO shop.visit SELECT uid, '/pens', '192.0.2.7', at FROM shop.users, unnest(ARRAY['2026-03-03', '2026-09-09']::timestamptz[]) AS at;
INSERT INTO shop.event (kind, data, raw) SELECT 'signed-in', jsonb_build_object('user', jsonb_build_object('email', lower(email)), 'n', id), convert_to('raw', 'UTF8') FROM shop.users;
INSERT INTO shop.product (slug, price) SELECT 'pen-' || n, n FROM generate_series(1, 60) AS n;
CREATE MATERIALIZED VIEW shop.best_customer AS
    SELECT u.email, sum(o.total) AS spent FROM shop.users AS u JOIN shop.orders AS o ON o.customer_id = u.id GROUP BY u.email;
ANALYZE shop.users;

-- What every row of everybody else looks like, so that it can be seen that nobody touched it.
CREATE FUNCTION shop.others(gone bigint[]) RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
        SELECT 'u' || u::text AS line FROM shop.users AS u WHERE id <> ALL (gone)
        UNION ALL SELECT 'a' || a::text FROM shop.address AS a WHERE user_id <> ALL (gone)
        UNION ALL SELECT 'o' || o::text FROM shop.orders AS o WHERE customer_id <> ALL (gone)
        UNION ALL SELECT 'i' || i::text FROM shop.order_item AS i JOIN shop.orders AS o ON o.id = i.order_id WHERE customer_id <> ALL (gone)
        UNION ALL SELECT 'm' || m::text FROM shop.message AS m WHERE sender_id <> ALL (gone) AND recipient_id <> ALL (gone)
        UNION ALL SELECT 'c' || c.id || c.body FROM shop.comment AS c WHERE author_id <> ALL (gone)
        UNION ALL SELECT 't' || t::text FROM shop.ticket AS t WHERE assignee_id <> ALL (gone) AND id <> 3
        UNION ALL SELECT 'n' || n::text FROM shop.invoice AS n WHERE buyer_id <> ALL (gone)
        UNION ALL SELECT 's' || s::text FROM shop.subscription AS s WHERE email !~ 'Ada' AND email <> ALL (SELECT 'person' || g || '@example.org' FROM unnest(gone) AS g)
        UNION ALL SELECT 'e' || e::text FROM shop.event AS e WHERE (data ->> 'n')::bigint <> ALL (gone)
        UNION ALL SELECT 'p' || p::text FROM shop.product AS p
    ) AS x
$$;
CREATE TABLE shop_before AS SELECT shop.others(ARRAY[7]) AS one, shop.others(ARRAY(SELECT g FROM generate_series(11, 30) AS g)) AS many;
