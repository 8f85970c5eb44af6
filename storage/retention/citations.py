"""Which stored objects somebody points at."""

from __future__ import annotations

from sqlalchemy import text

from storage.database import Database

_CITED = text(
    """
    SELECT key FROM investigations,
        jsonb_array_elements(body->'evidence') AS evidence,
        jsonb_array_elements_text(evidence->'object_keys') AS key
    WHERE cluster_id = :cluster_id
    UNION
    SELECT key FROM findings, jsonb_array_elements_text(body->'series'->'object_keys') AS key
    WHERE cluster_id = :cluster_id AND state <> 'resolved'
    """
)


def cited_keys(database: Database, cluster_id: str) -> set[str]:
    """Keys of the objects on which a cluster's investigations and unresolved findings rest."""
    with database.session() as session:
        return set(session.connection().execute(_CITED, {"cluster_id": cluster_id}).scalars())
