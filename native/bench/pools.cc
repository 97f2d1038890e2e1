#include "bench/allocators.h"
#include "bench/loops.h"
#include "bench/page_resource.h"
#include "bench/workloads.h"
#include "memory/checked_pool.h"
#include "memory/fixed_pool.h"

namespace hyperion::bench {
namespace {

constexpr uint64_t kBlocks = 4096;
constexpr PoolConfig kConfig{.size = kBlocks * kLoopBytes, .block_size = kLoopBytes};

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

}  // namespace

void pools(const Options& options, Report& report) {
  PageResource upstream;
  const auto fixed = std::move(FixedPool::create(upstream, kConfig).value());
  const auto checked = std::move(CheckedPool::create(upstream, kConfig).value());
  FreeList floor(kLoopBytes, kBlocks);
  measure_loops("floor", PeerPool(floor), options, report);
#ifdef HYPERION_BENCH_BOOST
  BoostPool boost(kLoopBytes, kBlocks);
  measure_loops("boost::pool", PeerPool(boost), options, report);
#endif
  measure_loops("pool", Plain(*fixed), options, report);
  measure_loops("checked pool", Checked(*checked), options, report);
}

}  // namespace hyperion::bench
