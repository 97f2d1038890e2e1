#include "memory/allocator.h"

#include <algorithm>

#include "base/format.h"
#include "monitoring/process_usage.h"
#include "platform/clock.h"

namespace hyperion {

Result<std::unique_ptr<Allocator>> Allocator::create(const AllocatorConfig& config,
                                                     uint64_t number) {
  std::unique_ptr<Allocator> allocator(new Allocator(config, number));
  auto source = make_source(config.source, allocator->spans_);
  if (!source.ok()) return source.status();
  allocator->source_ = std::move(source.value());
  allocator->limit_.emplace(*allocator->source_, config.limit);
  allocator->statistics_.emplace(*allocator->limit_);
  allocator->top_ = &*allocator->statistics_;
  return allocator;
}

Allocator::Allocator(const AllocatorConfig& config, uint64_t number)
    : grows_(grows(config.source)), budget_(config.budget), blocks_(number) {}

Allocator::~Allocator() {
  if (limit_) process_usage.subtract(limit_->used());
}

BlockHandle Allocator::allocate(const Request& request) {
  const BlockHandle handle = take(request);
  if (handle != 0) process_usage.add(request.bytes);
  return handle;
}

bool Allocator::free(BlockHandle handle) {
  const uint64_t bytes = give_back(handle);
  process_usage.subtract(bytes);
  return bytes > 0;
}

size_t Allocator::allocate_many(Request request, std::span<const double> sizes,
                                std::span<double> handles) {
  const bool sized = request.bytes == 0;
  if (sized && sizes.size() < handles.size()) return 0;
  uint64_t bytes = 0;
  size_t done = 0;
  for (; done < handles.size(); ++done) {
    if (sized) request.bytes = static_cast<uint64_t>(sizes[done]);
    const BlockHandle handle = take(request);
    if (handle == 0) break;
    handles[done] = static_cast<double>(handle);
    bytes += request.bytes;
  }
  // At once: within the loop bytes only grow, so no peak is missed.
  process_usage.add(bytes);
  return done;
}

size_t Allocator::free_many(std::span<const double> handles) {
  uint64_t bytes = 0;
  size_t done = 0;
  for (; done < handles.size(); ++done) {
    const double handle = handles[done];
    if (!(handle > 0 && handle < 0x1p53)) break;
    const uint64_t freed = give_back(static_cast<BlockHandle>(handle));
    if (freed == 0) break;
    bytes += freed;
  }
  process_usage.subtract(bytes);
  return done;
}

BlockHandle Allocator::take(const Request& request) {
  if (blocks_.full()) return 0;
  std::byte* block = top_->allocate(request);
  if (block == nullptr) return 0;
  const BlockHandle handle = blocks_.add(block, request);
  if (tracker_ != nullptr) tracker_->on_allocate(request.bytes, blocks_.last_number(), sample());
  return handle;
}

uint64_t Allocator::give_back(BlockHandle handle) {
  const TableBlock* found = blocks_.find(handle);
  if (found == nullptr) return 0;
  std::byte* const block = found->data();
  const Request request = found->request();
  const uint64_t number = blocks_.number_of(handle);
  blocks_.remove(handle);
  top_->free(block, request);
  if (tracker_ != nullptr) tracker_->on_free(number, sample());
  return request.bytes;
}

Status Allocator::refusal(const Request& request) const {
  if (blocks_.full()) {
    return Status(Code::out_of_memory,
                  "an allocator holds at most " + std::to_string(BlockTable::kMostBlocks) +
                      " blocks at one time; free some, or ask for fewer and larger ones");
  }
  const Status why = top_->refusal(request);
  const Usage now = source_->usage();
  const uint64_t unused = now.reserved - now.active;
  const uint64_t largest = std::min(now.largest_free, unused);
  const uint64_t obtainable = grows_ && budget_.limit() != kUnlimited ? budget_.available() : 0;
  const uint64_t fitting =
      std::min(std::max(largest, obtainable), limit_->limit() - limit_->used());
  Details details = why.details();
  const auto add = [&](const char* name, uint64_t value) {
    add_detail(details, name, static_cast<double>(value));
  };
  add("neededBytes", request.bytes);
  add("liveBytes", now.requested);
  add("liveBlocks", now.blocks);
  add("reservedBytes", now.reserved);
  add("unusedBytes", unused);
  add("largestFreeBytes", largest);
  add("fittingBytes", fitting);
  if (unused > 0) add_detail(details, "externalFragmentation", external_fragmentation(now));
  return Status(why.code(), why.message(), std::move(details));
}

void Allocator::reset() {
  process_usage.subtract(limit_->used());
  top_->reset();
  blocks_.clear();
  if (tracker_ != nullptr) tracker_->on_reset(sample());
}

void Allocator::track(bool on) {
  if (on == (tracker_ != nullptr)) return;
  tracker_ = on ? std::make_unique<BlockTracker>() : nullptr;
}

void Allocator::start_trace() {
  trace_ = std::make_unique<Trace>(*statistics_);
  for (const BlockTable::Entry& entry : blocks_.entries()) {
    trace_->adopt(entry.block.data(), entry.block.request());
  }
  top_ = trace_.get();
}

std::unique_ptr<Trace> Allocator::take_trace() {
  top_ = &*statistics_;
  return std::move(trace_);
}

Status Allocator::set_limits(uint64_t budget, uint64_t limit) {
  const uint64_t before = limit_->limit();
  if (Status status = limit_->set_limit(limit); !status.ok()) return status;
  Status status = budget_.set_limit(budget);
  if (!status.ok()) (void)limit_->set_limit(before);
  return status;
}

UsageSample Allocator::sample() const {
  return {now_ms(), limit_->used(), budget_.charged()};
}

}  // namespace hyperion
