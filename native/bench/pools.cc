#include "bench/allocators.h"
#include "bench/loops.h"
#include "bench/page_resource.h"
#include "bench/workloads.h"
#include "memory/checked_pool.h"
#include "memory/fixed_pool.h"

namespace hyperion::bench {
namespace {

constexpr uint64_t kBlockBytes = 64;
constexpr uint64_t kBlocks = 4096;
constexpr PoolConfig kConfig{.size = kBlocks * kBlockBytes, .block_size = kBlockBytes};

class Plain {
 public:
  explicit Plain(FixedPool& pool) : pool_(pool) {}
  std::byte* allocate(uint64_t) { return pool_.allocate_block(); }
  void free(std::byte* block, uint64_t) { pool_.free_block(block); }

 private:
  FixedPool& pool_;
};

class Checked {
 public:
  explicit Checked(CheckedPool& pool) : pool_(pool) {}
  std::byte* allocate(uint64_t bytes) { return pool_.allocate_block(bytes); }
  void free(std::byte* block, uint64_t) { pool_.free_block(block); }

 private:
  CheckedPool& pool_;
};

template <class Allocator>
[[gnu::noinline]] void measure_all(const char* subject, Allocator allocator, const Options& options,
                                   Report& report) {
  Batch<Allocator> batch(allocator, kBlockBytes);
  report.add(subject, "lifo", measure(options, [&](uint64_t operations) {
               free_at_once(allocator, kBlockBytes, operations);
             }));
  report.add(subject, "batch",
             measure(options, [&](uint64_t operations) { batch.run(operations); }));
}

}  // namespace

void pools(const Options& options, Report& report) {
  PageResource upstream;
  const auto fixed = std::move(FixedPool::create(upstream, kConfig).value());
  const auto checked = std::move(CheckedPool::create(upstream, kConfig).value());
  FreeList floor(kBlockBytes, kBlocks);
  measure_all<FreeList&>("floor", floor, options, report);
#ifdef HYPERION_BENCH_BOOST
  BoostPool boost(kBlockBytes, kBlocks);
  measure_all<BoostPool&>("boost::pool", boost, options, report);
#endif
  measure_all("pool", Plain(*fixed), options, report);
  measure_all("checked pool", Checked(*checked), options, report);
}

}  // namespace hyperion::bench
