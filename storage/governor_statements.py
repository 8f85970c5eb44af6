"""The governor's statements: each reads and writes one endpoint's row, at once and alone.

A row is locked by the ``UPDATE`` itself, and PostgreSQL evaluates the whole of it again on the row as the one before
left it: whatever is decided here is decided on what is true. That is why everything lies in one row, in arrays, and not
in tables of leases: what a statement reads of other rows is as it was when the statement began, before it waited.
(https://www.postgresql.org/docs/18/transaction-iso.html#XACT-READ-COMMITTED)

All times are the database's, taken while the row is held (``clock_timestamp()``): nobody else's clock counts. Should it
be put back, what it wrote before lies in the future; such times are cut down to what they can be at most.
"""

from __future__ import annotations

from sqlalchemy import text

# A request waits twice for its endpoint's row, and would wait for the disk each time. What a crash of the server takes
# of the last moments (three times wal_writer_delay at most) are leases that their owners renew, or that have ended.
_UNAWAITED = "set_config('synchronous_commit', 'off', true)"

_CLOCK = "(SELECT clock_timestamp() AS t) AS clock"

_LIVE = """
LATERAL (
    SELECT coalesce(array_agg(id), '{}') AS ids,
        coalesce(array_agg(owner), '{}') AS owners,
        coalesce(array_agg(least(ends, t + make_interval(secs => :lease_seconds))), '{}') AS ends
    FROM unnest(e.lease_ids, e.lease_owners, e.lease_ends) AS lease (id, owner, ends)
    -- While the server was away nobody could renew: after its start everybody has time to.
    WHERE greatest(ends, pg_postmaster_start_time() + make_interval(secs => :lease_seconds)) > t
        AND id <> ALL (CAST(:without AS text[]))
) AS live"""

_RECENT = """
LATERAL (
    SELECT coalesce(array_agg(at), '{}') AS ends FROM unnest(e.ended) AS at
    WHERE at > t - interval '1 second' AND at <= t
) AS recent"""

_BYTES = """
LATERAL (
    SELECT least(
        CAST(:bytes_per_minute AS float8),
        e.bytes_left + :bytes_per_minute * greatest(extract(epoch FROM t - e.counted_at), 0) / 60
    ) AS left_over
) AS bytes"""

REGISTER = text(
    """
INSERT INTO governed_endpoints (
    endpoint, lease_ids, lease_owners, lease_ends, waiting_ids, waiting_since, waiting_ends, ended,
    bytes_left, counted_at, failures_in_a_row, minute_began, minute_requests, minute_failures, openings,
    admitted, held_back, failed, opened, answer_bytes, asked_seconds, waited_seconds
)
SELECT :endpoint, '{}', '{}', '{}', '{}', '{}', '{}', '{}',
    :bytes_per_minute, t, 0, t, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM clock_timestamp() AS t
ON CONFLICT DO NOTHING
"""
)
"""An endpoint that is asked for the first time: nothing is under way, and nothing used up."""

ADMIT = text(
    f"""
UPDATE governed_endpoints AS e SET (
    lease_ids, lease_owners, lease_ends, waiting_ids, waiting_since, waiting_ends,
    ended, bytes_left, counted_at, open_until, probe, admitted, held_back
) = (
    SELECT
        CASE WHEN goes THEN array_append(live.ids, CAST(:lease AS varchar)) ELSE live.ids END,
        CASE WHEN goes THEN array_append(live.owners, CAST(:owner AS varchar)) ELSE live.owners END,
        CASE WHEN goes THEN array_append(live.ends, t + make_interval(secs => :lease_seconds)) ELSE live.ends END,
        CASE WHEN waits THEN array_append(queue.ids, CAST(:lease AS varchar)) ELSE queue.ids END,
        CASE WHEN waits THEN array_append(queue.since, mine.since) ELSE queue.since END,
        CASE WHEN waits THEN array_append(queue.ends, t + make_interval(secs => :ticket_seconds)) ELSE queue.ends END,
        recent.ends, bytes.left_over, t, breaker.open_until,
        CASE WHEN goes AND e.open_until IS NOT NULL THEN :lease ELSE e.probe END,
        e.admitted + CAST(goes AS int), e.held_back + CAST(NOT goes AND NOT waits AS int)
    FROM {_CLOCK}, {_LIVE}, {_RECENT}, {_BYTES},
    LATERAL (
        SELECT e.open_until - greatest(e.open_until - t - make_interval(secs => :longest_pause), interval '0')
            AS open_until
    ) AS breaker,
    LATERAL (
        SELECT coalesce(min(since), t) AS since
        FROM unnest(e.waiting_ids, e.waiting_since) AS ticket (id, since) WHERE id = :lease
    ) AS mine,
    LATERAL (
        SELECT coalesce(array_agg(id), '{{}}') AS ids,
            coalesce(array_agg(ticket.since), '{{}}') AS since,
            coalesce(array_agg(ends), '{{}}') AS ends,
            count(*) FILTER (WHERE (ticket.since, id) < (mine.since, :lease)) AS ahead
        FROM unnest(e.waiting_ids, e.waiting_since, e.waiting_ends) AS ticket (id, since, ends)
        WHERE ends > t AND id <> :lease
    ) AS queue,
    LATERAL (
        SELECT bytes.left_over > 0
            AND least(:concurrency, :requests_per_second - cardinality(recent.ends)) - cardinality(live.ids) > CASE
                WHEN e.open_until IS NULL THEN queue.ahead
                ELSE 0
            END
            AND (e.open_until IS NULL OR e.open_until <= t AND coalesce(e.probe <> ALL (live.ids), true)) AS goes
    ) AS verdict,
    LATERAL (SELECT NOT goes AND (e.open_until IS NULL OR e.open_until <= t) AS waits) AS otherwise
)
WHERE endpoint = :endpoint
RETURNING
    :lease = ANY (lease_ids) AS goes,
    (SELECT count(*) FROM unnest(waiting_ids, waiting_since) AS ticket (id, since), unnest(waiting_ids, waiting_since)
        AS mine (id, since) WHERE mine.id = :lease AND (ticket.since, ticket.id) <= (mine.since, mine.id)) AS place,
    cardinality(lease_ids) + cardinality(ended) AS in_second,
    bytes_left,
    extract(epoch FROM open_until - clock_timestamp()) AS open_seconds,
    extract(epoch FROM (SELECT min(at) FROM unnest(ended) AS at) + interval '1 second' - clock_timestamp())
        AS second_seconds,
    {_UNAWAITED} AS unawaited
"""  # noqa: S608 - made of constants
)
"""Take a lease if there is room for one, or a place in the queue; gives what stands in the way."""

SETTLE = text(
    f"""
UPDATE governed_endpoints AS e SET (
    lease_ids, lease_owners, lease_ends, ended, bytes_left, counted_at,
    failures_in_a_row, minute_began, minute_requests, minute_failures, open_until, openings, probe,
    failed, opened, answer_bytes, asked_seconds, waited_seconds
) = (
    SELECT
        live.ids, live.owners, live.ends, array_append(recent.ends, t), bytes.left_over - :answer_bytes, t,
        CASE WHEN opens OR closes THEN 0 ELSE in_a_row END,
        CASE WHEN opens OR closes OR stale THEN t ELSE e.minute_began END,
        CASE WHEN opens OR closes THEN 0 ELSE requests END,
        CASE WHEN opens OR closes THEN 0 ELSE failures END,
        CASE
            WHEN opens THEN t + make_interval(secs => least(:longest_pause, :first_pause * 2.0 ^ least(e.openings, 16)))
            WHEN NOT closes THEN e.open_until
        END,
        CASE WHEN opens THEN e.openings + 1 WHEN closes THEN 0 ELSE e.openings END,
        CASE WHEN is_probe THEN NULL ELSE e.probe END,
        e.failed + CAST(:failed AS int), e.opened + CAST(opens AS int), e.answer_bytes + :answer_bytes,
        e.asked_seconds + :asked_seconds, e.waited_seconds + :waited_seconds
    FROM {_CLOCK}, {_LIVE}, {_RECENT}, {_BYTES},
    LATERAL (
        SELECT coalesce(e.probe = :lease, false) AS is_probe,
            e.minute_began NOT BETWEEN t - interval '1 minute' AND t AS stale,
            CASE WHEN :failed THEN e.failures_in_a_row + 1 WHEN :known THEN 0 ELSE e.failures_in_a_row END AS in_a_row
    ) AS now,
    LATERAL (
        SELECT CASE WHEN stale THEN 0 ELSE e.minute_requests END + CAST(:known AS int) AS requests,
            CASE WHEN stale THEN 0 ELSE e.minute_failures END + CAST(:failed AS int) AS failures
    ) AS minute,
    LATERAL (
        SELECT is_probe AND :known AND NOT :failed AS closes,
            :failed AND (
                is_probe
                OR e.open_until IS NULL AND (
                    in_a_row >= :most_in_a_row
                    OR requests >= :least_requests AND failures >= :failed_share * requests
                )
            ) AS opens
    ) AS breaker
)
WHERE endpoint = :endpoint
RETURNING {_UNAWAITED}
"""  # noqa: S608 - made of constants
)
"""Give a lease back with what came of its request: bytes are spent, and the breaker learns of it.

``known`` is false where nothing was learnt of the endpoint. A breaker that is open or half open learns from its probe
alone: what was under way when it opened tells nothing new.
"""

RENEW = text(
    f"""
UPDATE governed_endpoints AS e SET (lease_ids, lease_owners, lease_ends) = (
    SELECT live.ids || mine.ids, live.owners || mine.owners, live.ends || mine.ends
    FROM {_CLOCK}, {_LIVE},
    LATERAL (
        SELECT array_agg(id) AS ids, array_agg(CAST(:owner AS varchar)) AS owners, array_agg(anew) AS ends
        FROM (
            SELECT id, t + make_interval(secs => :lease_seconds) AS anew FROM unnest(CAST(:without AS varchar[])) AS id
        ) AS lease
    ) AS mine
)
WHERE endpoint = :endpoint
RETURNING {_UNAWAITED}
"""  # noqa: S608 - made of constants
)
"""Make leases (``without``: set aside among those that live) last from now on, also one that has run out meanwhile."""

GIVE_UP = text(
    f"""
UPDATE governed_endpoints AS e SET (waiting_ids, waiting_since, waiting_ends) = (
    SELECT coalesce(array_agg(id), '{{}}'), coalesce(array_agg(since), '{{}}'), coalesce(array_agg(ends), '{{}}')
    FROM unnest(e.waiting_ids, e.waiting_since, e.waiting_ends) AS ticket (id, since, ends)
    WHERE id <> :lease
), held_back = e.held_back + 1, waited_seconds = e.waited_seconds + :waited_seconds
WHERE endpoint = :endpoint
RETURNING {_UNAWAITED}
"""  # noqa: S608 - made of constants
)
"""Leave the queue without having been admitted."""

LOADS = text(
    """
SELECT endpoint, open_until, admitted, held_back, failed, opened, answer_bytes, asked_seconds, waited_seconds,
    counted_at AS asked_at,
    CASE WHEN open_until IS NULL THEN 'closed' WHEN open_until > t THEN 'open' ELSE 'half-open' END AS breaker,
    (SELECT count(*) FROM unnest(lease_ends) AS ends WHERE ends > t) AS under_way,
    (SELECT count(*) FROM unnest(waiting_ends) AS ends WHERE ends > t) AS waiting,
    (
        SELECT count(DISTINCT owner) FROM unnest(lease_owners, lease_ends) AS lease (owner, ends) WHERE ends > t
    ) AS workers
FROM governed_endpoints, clock_timestamp() AS t
WHERE CAST(:endpoints AS text[]) IS NULL OR endpoint = ANY (CAST(:endpoints AS text[]))
ORDER BY endpoint
"""
)
"""How each endpoint stands; all of them where none are named."""
