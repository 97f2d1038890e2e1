#include "memory/engine_memory.h"

#include <algorithm>

#include "base/format.h"
#include "monitoring/process_usage.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

// Weights come and go with the layers; the rest stays from pass to pass.
Request request_for(Tag tag, uint64_t bytes) {
  return {bytes, kPageSize, static_cast<uint16_t>(tag),
          tag == Tag::weights ? Lifetime::transient : Lifetime::lasting};
}

}  // namespace

EngineMemory::EngineMemory(uint64_t budget, Monitor& monitor) : monitor_(monitor), budget_(budget) {
  // `dynamic` holds nothing before the first block, so it cannot be refused.
  strategy_ = std::move(make_strategy(config_, spans_).value());
  blocks_ = std::make_unique<Tracking>(*strategy_);
}

Status EngineMemory::use(const StrategyConfig& config) {
  const std::lock_guard lock(mutex_);
  Result<std::unique_ptr<MemoryResource>> strategy = make_strategy(config, spans_);
  if (!strategy.ok()) return strategy.status();
  config_ = config;
  trace_.reset();
  strategy_ = std::move(strategy.value());
  blocks_ = std::make_unique<Tracking>(*strategy_);
  monitor_.counters.hold(budget_.charged());
  return {};
}

bool EngineMemory::settle() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (budget_.overdraft() > 0) strategy_->trim();
      monitor_.counters.hold(budget_.charged());
      if (budget_.overdraft() == 0) return true;
    }
    if (!reclaim_ || !reclaim_()) return false;
  }
}

Result<std::byte*> EngineMemory::allocate(Tag tag, uint64_t bytes) {
  return take_or_reclaim(Source::strategy, tag, bytes);
}

std::byte* EngineMemory::try_allocate(Tag tag, uint64_t bytes) {
  return take(Source::strategy, tag, bytes);
}

void EngineMemory::free(Tag tag, std::byte* block, uint64_t bytes) {
  give_back(Source::strategy, tag, block, bytes);
}

Result<std::byte*> EngineMemory::map_pages(Tag tag, uint64_t bytes) {
  return take_or_reclaim(Source::pages, tag, bytes);
}

void EngineMemory::unmap_pages(Tag tag, std::byte* block, uint64_t bytes) {
  give_back(Source::pages, tag, block, bytes);
}

Result<std::byte*> EngineMemory::take_or_reclaim(Source source, Tag tag, uint64_t bytes) {
  for (;;) {
    if (std::byte* block = take(source, tag, bytes)) return block;
    if (!reclaim_ || !reclaim_()) return refusal(source, tag, bytes);
  }
}

MemoryResource& EngineMemory::top() {
  if (trace_ != nullptr) return *trace_;
  return *blocks_;
}

std::byte* EngineMemory::take(Source source, Tag tag, uint64_t bytes) {
  const Request request = request_for(tag, bytes);
  std::byte* block;
  {
    const std::lock_guard lock(mutex_);
    block = source == Source::strategy ? top().allocate(request) : take_pages(request);
    if (block == nullptr) return nullptr;
    monitor_.counters.add(tag, bytes);
    monitor_.counters.hold(budget_.charged());
  }
  process_usage.add(bytes);
  if (tag != Tag::weights) monitor_.record(EventKind::memory, kNoLayer, bytes);
  return block;
}

// What the strategy keeps for its next block stands back.
std::byte* EngineMemory::take_pages(const Request& request) {
  std::byte* block = mapped_.allocate(request);
  if (block == nullptr && strategy_->trim() > 0) block = mapped_.allocate(request);
  if (block != nullptr && trace_ != nullptr) trace_->note_mapped(block, request);
  return block;
}

void EngineMemory::give_back(Source source, Tag tag, std::byte* block, uint64_t bytes) {
  const Request request = request_for(tag, bytes);
  {
    const std::lock_guard lock(mutex_);
    if (source == Source::pages && trace_ != nullptr) trace_->note_unmapped(block, request);
    source == Source::strategy ? top().free(block, request) : mapped_.free(block, request);
    monitor_.counters.subtract(tag, bytes);
    monitor_.counters.hold(budget_.charged());
  }
  process_usage.subtract(bytes);
  if (tag != Tag::weights) monitor_.record(EventKind::memory, kNoLayer, bytes);
}

Status EngineMemory::refusal(Tag tag, uint64_t bytes) const {
  return refusal(Source::strategy, tag, bytes);
}

Status EngineMemory::refusal(Source source, Tag tag, uint64_t bytes) const {
  const std::lock_guard lock(mutex_);
  const MemoryResource& refuses =
      source == Source::strategy ? *strategy_ : static_cast<const MemoryResource&>(mapped_);
  const Status why = refuses.refusal(request_for(tag, bytes));
  const MemoryCounts held = monitor_.counters.snapshot();
  Details details = why.details();
  const auto add = [&](const std::string& name, uint64_t value) {
    add_detail(details, name, static_cast<double>(value));
  };
  add("largestFreeBytes", std::max(strategy_->usage().largest_free, budget_.available()));
  add("liveBytes", held.current);
  for (size_t i = 0; i < kTagCount; ++i) {
    if (held.by_tag[i] > 0) add(std::string(kTagNames[i]) + "Bytes", held.by_tag[i]);
  }
  return Status(why.code(),
                format_bytes(bytes) + " more of " + kTagNames[index_of(tag)] +
                    " do not fit beside the " + format_bytes(held.current) +
                    " in use: " + why.message(),
                std::move(details));
}

uint64_t EngineMemory::available() const {
  const std::lock_guard lock(mutex_);
  // The arena of `hybrid` is for what stays: layers do not lie there.
  const bool in_budget_only = config_.kind == StrategyConfig::Kind::hybrid;
  return std::max(in_budget_only ? 0 : strategy_->usage().largest_free, budget_.available());
}

Usage EngineMemory::usage() const {
  const std::lock_guard lock(mutex_);
  Usage usage = strategy_->usage();
  for (const LiveBlock& block : mapped_.live()) {
    usage.reserved += block.bytes;
    usage.active += block.bytes;
    usage.requested += block.bytes;
    ++usage.blocks;
  }
  return usage;
}

std::vector<LiveBlock> EngineMemory::blocks() const {
  const std::lock_guard lock(mutex_);
  std::vector<LiveBlock> blocks = mapped_.live();
  for (LiveBlock& block : blocks) block.sequence = 0;
  const std::vector<LiveBlock> rest = blocks_->live();
  blocks.insert(blocks.end(), rest.begin(), rest.end());
  return blocks;
}

std::vector<LiveBlock> EngineMemory::reserved_spans() const {
  const std::lock_guard lock(mutex_);
  return spans_.live();
}

void EngineMemory::start_trace() {
  const std::lock_guard lock(mutex_);
  trace_ = std::make_unique<Trace>(*blocks_);
  for (const LiveBlock& block : mapped_.live()) {
    trace_->note_mapped(block.address, request_for(static_cast<Tag>(block.tag), block.bytes));
  }
  for (const LiveBlock& block : blocks_->live()) {
    trace_->adopt(block.address, request_for(static_cast<Tag>(block.tag), block.bytes));
  }
}

std::unique_ptr<Trace> EngineMemory::take_trace() {
  const std::lock_guard lock(mutex_);
  return std::move(trace_);
}

}  // namespace hyperion
