#include "base/status_macros.h"
#include "storage/catalog/catalog_impl.h"

namespace trellis::storage {

absl::StatusOr<std::vector<CatalogImpl::Row>> CatalogImpl::RowsAfter(const Origin& origin,
                                                                     uint64_t after, uint64_t head,
                                                                     size_t max_bytes,
                                                                     size_t* bytes, bool* more) {
  std::vector<Row> rows;
  bool index_broken = false;
  RETURN_IF_ERROR(engine_.Scan(
      Table::kByOrigin, OriginKey{origin, after + 1}.Encode(), OriginKey{origin, head + 1}.Encode(),
      [&](absl::string_view key, absl::string_view name) {
        OriginKey origin_key;
        index_broken = !OriginKey::Decode(key, &origin_key);
        const Stored* held = index_broken ? nullptr : FindRow(name, origin_key);
        index_broken = held == nullptr;
        if (index_broken) return false;
        if (rows.empty() || rows.back().key.sequence != origin_key.sequence) {
          *more = !rows.empty() && *bytes >= max_bytes;
          if (*more) return false;
          const auto transaction = transactions_.find(origin_key.transaction());
          index_broken = transaction == transactions_.end();
          if (index_broken) return false;
          *bytes += transaction->second.seal_bytes();
        }
        *bytes += held->entry_bytes;
        rows.push_back({origin_key, std::string(name), held, held == FindStored(name)});
        return true;
      }));
  if (index_broken) return Unreadable("by_origin", HeadKey(origin), "it names no entry");
  return rows;
}

absl::StatusOr<v1::Entry> CatalogImpl::EntryOf(const Row& row) {
  // Reading it from the engine takes ten times as long.
  if (std::optional<v1::Entry> entry = row.write->ToEntry(row.name)) return *std::move(entry);
  ASSIGN_OR_RETURN(const std::string bytes, ReadEntry(row.name, row.key, row.won));
  v1::Entry entry;
  if (!entry.ParseFromString(bytes)) return Unreadable("entry", row.name, "not an entry");
  return entry;
}

absl::Status CatalogImpl::BeginDelta(const Origin& origin, uint64_t after,
                                     std::vector<v1::Delta>* deltas) {
  v1::Delta& delta = deltas->emplace_back();
  origin.ToProto(delta.mutable_origin());
  delta.set_after(after);
  if (after == 0) {
    ASSIGN_OR_RETURN(*delta.mutable_author_certificate(),
                     engine_.Get(Table::kMeta, AuthorKey(origin)));
  }
  return AttachFloor(origin, *deltas);
}

absl::Status CatalogImpl::EndDelta(uint64_t up_to, v1::Delta& delta) {
  delta.set_up_to(up_to);
  if (!delta.seals().empty() && delta.seals().rbegin()->sequence() == up_to) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(*delta.add_seals(), ReadSeal({Origin::FromProto(delta.origin()), up_to}));
  return absl::OkStatus();
}

absl::Status CatalogImpl::AppendDeltas(const Origin& origin, uint64_t after, uint64_t up_to,
                                       const std::vector<Row>& rows,
                                       std::vector<v1::Delta>* deltas) {
  RETURN_IF_ERROR(BeginDelta(origin, after, deltas));
  for (size_t i = 0; i < rows.size();) {
    // One transaction, whole; INVARIANT: none is larger than a delta may be.
    const uint64_t sequence = rows[i].key.sequence;
    size_t end = i;
    while (end < rows.size() && rows[end].key.sequence == sequence) ++end;
    if (deltas->back().entries_size() + (end - i) > kMaxTransaction) {
      RETURN_IF_ERROR(EndDelta(rows[i - 1].key.sequence, deltas->back()));
      RETURN_IF_ERROR(BeginDelta(origin, rows[i - 1].key.sequence, deltas));
    }
    for (; i < end; ++i) {
      ASSIGN_OR_RETURN(*deltas->back().add_entries(), EntryOf(rows[i]));
    }
    ASSIGN_OR_RETURN(*deltas->back().add_seals(), ReadSeal({origin, sequence}));
  }
  return EndDelta(up_to, deltas->back());
}

absl::StatusOr<std::vector<v1::Delta>> CatalogImpl::DeltasAfter(const VersionVector& theirs,
                                                                size_t max_bytes, bool* more) {
  *more = false;
  std::vector<v1::Delta> deltas;
  size_t bytes = 0;
  for (const auto& [origin, head] : vector_.heads()) {
    const uint64_t after = theirs.head(origin);
    if (after >= head || InReview(origin, after)) continue;
    *more = !deltas.empty() && bytes >= max_bytes;
    if (*more) break;
    ASSIGN_OR_RETURN(const std::vector<Row> rows,
                     RowsAfter(origin, after, head, max_bytes, &bytes, more));
    RETURN_IF_ERROR(
        AppendDeltas(origin, after, *more ? rows.back().key.sequence : head, rows, &deltas));
    if (*more) break;
  }
  return deltas;
}

absl::StatusOr<std::vector<v1::Delta>> CatalogImpl::DeltasOf(const Origin& origin, uint64_t after,
                                                             uint64_t up_to, size_t max_bytes,
                                                             bool* more) {
  *more = false;
  std::vector<v1::Delta> deltas;
  if (InReview(origin, after)) return deltas;
  size_t bytes = 0;
  ASSIGN_OR_RETURN(const std::vector<Row> rows,
                   RowsAfter(origin, after, up_to, max_bytes, &bytes, more));
  // Only what an entry is left of has a seal; but for the head, with which a delta may end.
  const bool whole = !*more && up_to == vector_.head(origin);
  if (rows.empty() && !whole) return deltas;
  const uint64_t end = whole ? up_to : rows.back().key.sequence;
  if (end > after) RETURN_IF_ERROR(AppendDeltas(origin, after, end, rows, &deltas));
  return deltas;
}

absl::StatusOr<Root> CatalogImpl::SumOf(const Origin& origin, uint64_t after, uint64_t up_to) {
  absl::uint128 sum = 0;
  bool index_broken = false;
  RETURN_IF_ERROR(engine_.Scan(
      Table::kByOrigin, OriginKey{origin, after + 1}.Encode(),
      OriginKey{origin, up_to + 1}.Encode(), [&](absl::string_view key, absl::string_view name) {
        OriginKey origin_key;
        const Stored* const held =
            OriginKey::Decode(key, &origin_key) ? FindRow(name, origin_key) : nullptr;
        index_broken = held == nullptr;
        if (!index_broken) sum += held->digest;
        return !index_broken;
      }));
  if (index_broken) return Unreadable("by_origin", HeadKey(origin), "it names no entry");
  return Root{absl::Uint128High64(sum), absl::Uint128Low64(sum)};
}

}  // namespace trellis::storage
