"""The ``stats`` that stand beside each answer: all fields that Loki 3.8 was recorded with."""

from __future__ import annotations

from typing import Any

_CHUNK = dict.fromkeys(
    (
        "headChunkBytes",
        "headChunkLines",
        "decompressedBytes",
        "decompressedLines",
        "compressedBytes",
        "totalDuplicates",
        "postFilterLines",
        "headChunkStructuredMetadataBytes",
        "decompressedStructuredMetadataBytes",
    ),
    0,
)
_STORE: dict[str, Any] = {
    "totalChunksRef": 0,
    "totalChunksDownloaded": 0,
    "chunksDownloadTime": 0,
    "queryReferencedStructuredMetadata": False,
    "queryUsedV2Engine": False,
    "chunk": _CHUNK,
    "chunkRefsFetchTime": 0,
    "congestionControlLatency": 0,
    "pipelineWrapperFilteredLines": 0,
}
_CACHE = dict.fromkeys(
    (
        "entriesFound",
        "entriesRequested",
        "entriesStored",
        "bytesReceived",
        "bytesSent",
        "requests",
        "downloadTime",
        "queryLengthServed",
    ),
    0,
)
_CACHES = (
    "chunk",
    "index",
    "result",
    "statsResult",
    "volumeResult",
    "seriesResult",
    "labelResult",
    "instantMetricResult",
    "logResult",
    "taskResult",
)


def statistics(seconds: float, returned: int, size: int = 0) -> dict[str, Any]:
    """What a query took, how many entries or series it returned, and how many bytes of lines."""
    summary = {
        "bytesProcessedPerSecond": round(size / seconds) if seconds else 0,
        "linesProcessedPerSecond": round(returned / seconds) if seconds else 0,
        "totalBytesProcessed": size,
        "totalLinesProcessed": returned,
        "execTime": round(seconds, 6),
        "queueTime": 0,
        "subqueries": 0,
        "totalEntriesReturned": returned,
        "splits": 0,
        "shards": 1,
        "totalPostFilterLines": returned,
        "totalStructuredMetadataBytesProcessed": 0,
    }
    ingester = {"totalReached": 1, "totalChunksMatched": 0, "totalBatches": 1, "totalLinesSent": returned}
    return {
        "summary": summary,
        "querier": {"store": _STORE, "querierExecTime": round(seconds, 6)},
        "ingester": {**ingester, "store": _STORE, "recvWaitTime": 0},
        "cache": dict.fromkeys(_CACHES, _CACHE),
        "index": {
            "totalChunks": 0,
            "postFilterChunks": 0,
            "shardsDuration": 0,
            "usedBloomFilters": False,
            "totalStreams": 0,
            "chunkRefsLookupTime": 0,
            "bloomFilterTime": 0,
        },
    }
