#include "loading/read_files.h"

#include <cstring>
#include <latch>
#include <mutex>

#include "loading/readers.h"
#include "platform/clock.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

// Hands out the blocks of the files, each once.
class Blocks {
 public:
  explicit Blocks(const Model& model) : model_(model) {}

  // Null when there are none left, or a read has failed.
  File* next(uint64_t& offset) {
    const std::lock_guard lock(mutex_);
    if (!status_.ok()) return nullptr;
    for (; file_ < model_.files(); ++file_, offset_ = 0) {
      File& file = model_.file(file_, Access::direct);
      if (offset_ >= file.size()) continue;
      offset = offset_;
      offset_ += kMaxReadBytes;
      return &file;
    }
    return nullptr;
  }

  void fail(const Status& status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
  }

  // REQUIRES: the readers have ended.
  const Status& status() const { return status_; }

 private:
  const Model& model_;
  std::mutex mutex_;
  uint64_t file_ = 0;
  uint64_t offset_ = 0;
  Status status_;
};

// REQUIRES: `blocks` fails before `go` when there is no thread for another reader.
void read_blocks(Blocks& blocks, std::latch& ready, std::latch& go) {
  const Result<PageRegion> memory = PageRegion::map(kMaxReadBytes);
  if (memory.ok()) {
    std::memset(memory.value().data(), 1, memory.value().size());  // new pages are not the disk's
  } else {
    blocks.fail(memory.status());
  }
  ready.count_down();
  go.wait();
  uint64_t offset = 0;
  while (File* const file = blocks.next(offset)) {
    const Result<size_t> got = read_fully(*file, offset, {memory.value().data(), kMaxReadBytes});
    if (!got.ok()) blocks.fail(got.status());
  }
}

}  // namespace

Result<double> read_files(const Model& model, size_t readers) {
  if (!model.has_direct()) {
    return Status(Code::unsupported, "the model's file system refuses direct reads");
  }
  Blocks blocks(model);
  std::latch ready(static_cast<std::ptrdiff_t>(readers));
  std::latch go(1);
  double began = 0;
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (size_t i = 0; i < readers; ++i) {
      auto thread = Thread::start("hyp-reader", [&] { read_blocks(blocks, ready, go); });
      if (thread == nullptr) {
        blocks.fail(Status(Code::out_of_memory, "the operating system refuses another thread"));
        break;
      }
      threads.push_back(std::move(thread));
    }
    if (threads.size() == readers) ready.wait();
    began = now_ms();
    go.count_down();
  }
  const double ms = now_ms() - began;
  if (Status status = blocks.status(); !status.ok()) return status;
  uint64_t bytes = 0;
  for (uint64_t file = 0; file < model.files(); ++file) {
    bytes += model.file(file, Access::direct).size();
  }
  return static_cast<double>(bytes) * 1000 / ms;
}

}  // namespace hyperion
