// How fast a file comes into memory, by way of reading, reads at once, size of a request and what
// memory is read into; beside plain reads into two buffers, which are what the disk can give.
// Interleaved and repeated. `reading_bench FILE [--repeats N] [--mib N] [--computing N]`: beside so
// many threads that sum memory all the while.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "bench/timing.h"
#include "loading/readers.h"
#include "platform/clock.h"
#include "platform/pages.h"

namespace hyperion::bench {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kLayerBytes = 64 * kMiB;
constexpr size_t kWindow = 3;  // layers on their way

struct Case {
  const char* way;
  Access access;
  size_t at_once;
  uint64_t request;
  bool fresh;  // each layer into memory that nothing was read into before
};

constexpr Case kCases[] = {
    {"raw", Access::direct, 2, 4 * kMiB, false},
    {"direct", Access::direct, 1, 4 * kMiB, false},
    {"direct", Access::direct, 2, 4 * kMiB, false},
    {"direct", Access::direct, 2, 4 * kMiB, true},
    {"direct", Access::direct, 4, 4 * kMiB, false},
    {"direct", Access::direct, 4, 2 * kMiB, false},
    {"direct", Access::direct, 4, 1 * kMiB, false},
    {"direct", Access::direct, 8, 2 * kMiB, false},
    {"direct", Access::direct, 8, 4 * kMiB, false},
    {"uring", Access::uring, 2, 4 * kMiB, false},
    {"uring", Access::uring, 4, 4 * kMiB, false},
    {"uring", Access::uring, 8, 2 * kMiB, false},
    {"uring", Access::uring, 8, 4 * kMiB, false},
    {"buffered", Access::buffered, 2, 4 * kMiB, false},
};

struct Bench {
  std::string path;
  uint64_t bytes = 1024 * kMiB;
  size_t repeats = 5;
  size_t computing = 0;
};

PageRegion must_map(uint64_t bytes) {
  Result<PageRegion> region = PageRegion::map(bytes);
  if (!region.ok()) std::exit(1);
  return std::move(region.value());
}

// Threads that do to memory what a forward pass does, while this lives.
class Computing {
 public:
  explicit Computing(size_t threads) {
    for (size_t i = 0; i < threads; ++i) {
      threads_.push_back(Thread::start("compute", [this] {
        while (!stop_) sum();
      }));
    }
  }
  ~Computing() { stop_ = true; }

 private:
  void sum() const {
    uint64_t total = 0;
    for (uint64_t i = 0; i < memory_.size(); i += sizeof total) {
      uint64_t word;
      std::memcpy(&word, memory_.data() + i, sizeof word);
      total += word;
    }
    [[maybe_unused]] volatile const uint64_t kept = total;
  }

  const PageRegion memory_ = must_map(kLayerBytes);
  std::atomic<bool> stop_ = false;
  std::vector<std::unique_ptr<Thread>> threads_;  // last: they use the rest
};

// Two threads, two buffers, nothing else.
void read_raw(const Bench& bench, File& file, const Case& tried) {
  std::vector<std::unique_ptr<Thread>> threads;
  for (size_t i = 0; i < tried.at_once; ++i) {
    threads.push_back(Thread::start("raw", [&, i] {
      const PageRegion buffer = must_map(tried.request);
      for (uint64_t at = i * tried.request; at < bench.bytes; at += tried.at_once * tried.request) {
        if (!file.read(at, {buffer.data(), tried.request}).ok()) std::exit(1);
      }
    }));
  }
}

// Layers in order, some ahead of the one that is waited for.
class Stream {
 public:
  Stream(const Bench& bench, File& file, const Case& tried)
      : file_(file),
        tried_(tried),
        pending_(bench.bytes / kLayerBytes),
        readers_(
            tried.at_once, [this](int layer, const Status& status) { on_read(layer, status); },
            tried.access) {}

  // REQUIRES: memory has kWindow + 1 layers.
  void run(std::vector<PageRegion>& memory) {
    const size_t layers = pending_.size();
    for (size_t next = 0, layer = 0; layer < layers; ++layer) {
      for (; next < layers && next <= layer + kWindow; ++next) {
        PageRegion& region = memory[next % memory.size()];
        if (tried_.fresh) {
          region = PageRegion();
          region = must_map(kLayerBytes);
        }
        queue(static_cast<int>(next), region.data());
      }
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return pending_[layer] == 0; });
      }
    }
  }

 private:
  void queue(int layer, std::byte* into) {
    const uint64_t from = static_cast<uint64_t>(layer) * kLayerBytes;
    std::vector<ReadRequest> requests;
    for (uint64_t at = 0; at < kLayerBytes; at += tried_.request) {
      requests.push_back({&file_, from + at, into + at, tried_.request, tried_.request, layer});
    }
    {
      const std::lock_guard lock(mutex_);
      pending_[static_cast<size_t>(layer)] = requests.size();
    }
    readers_.queue(requests, Urgency::prefetch);
  }

  void on_read(int layer, const Status& status) {
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.message().c_str());
      std::exit(1);
    }
    const std::lock_guard lock(mutex_);
    if (--pending_[static_cast<size_t>(layer)] == 0) changed_.notify_all();
  }

  File& file_;
  const Case& tried_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> pending_;  // requests of each layer
  Readers readers_;                // last: its threads call on_read() until it is gone
};

// GB/s.
double run(const Bench& bench, const Case& tried) {
  const Access opened = tried.access == Access::buffered ? Access::buffered : Access::direct;
  const Result<std::unique_ptr<File>> file = open_file(bench.path, opened);
  if (!file.ok()) return 0;
  std::vector<PageRegion> memory;
  for (size_t i = 0; i < kWindow + 1; ++i) {
    memory.push_back(must_map(kLayerBytes));
    std::memset(memory.back().data(), 1, tried.fresh ? 0 : kLayerBytes);
  }
  file.value()->drop_cache(0, bench.bytes);
  const Computing computing(bench.computing);
  const double began = now_ms();
  if (std::strcmp(tried.way, "raw") == 0) {
    read_raw(bench, *file.value(), tried);
  } else {
    Stream(bench, *file.value(), tried).run(memory);
  }
  return static_cast<double>(bench.bytes) / (now_ms() - began) / 1e6;
}

int main(int count, char** arguments) {
  Bench bench;
  if (count < 2 || count % 2 != 0) {
    std::fprintf(stderr, "reading_bench FILE [--repeats N] [--mib N] [--computing N]\n");
    return 2;
  }
  bench.path = arguments[1];
  for (int i = 2; i < count; i += 2) {
    const auto number = std::strtoull(arguments[i + 1], nullptr, 10);
    if (std::strcmp(arguments[i], "--repeats") == 0) bench.repeats = std::max(number, 1ULL);
    if (std::strcmp(arguments[i], "--mib") == 0) bench.bytes = number * kMiB;
    if (std::strcmp(arguments[i], "--computing") == 0) bench.computing = number;
  }
  bench.bytes = bench.bytes / kLayerBytes * kLayerBytes;
  std::vector<std::vector<double>> speeds(std::size(kCases));
  for (size_t repeat = 0; repeat < bench.repeats; ++repeat) {
    for (size_t i = 0; i < std::size(kCases); ++i) speeds[i].push_back(run(bench, kCases[i]));
  }
  const double raw = summarize(speeds[0]).median;
  std::printf("way       at once  MiB  memory  GB/s median  best  of raw\n");
  for (size_t i = 0; i < std::size(kCases); ++i) {
    const Case& tried = kCases[i];
    const double median = summarize(speeds[i]).median;
    std::printf("%-9s %7zu %4llu  %-6s %12.2f %5.2f %6.0f%%\n", tried.way, tried.at_once,
                static_cast<unsigned long long>(tried.request / kMiB),
                tried.fresh ? "fresh" : "kept", median,
                *std::max_element(speeds[i].begin(), speeds[i].end()), 100 * median / raw);
  }
  return 0;
}

}  // namespace
}  // namespace hyperion::bench

int main(int count, char** arguments) {
  return hyperion::bench::main(count, arguments);
}
