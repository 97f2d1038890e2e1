#include "loading/read_files.h"

#include <mutex>

#include "loading/readers.h"
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

void read_blocks(Blocks& blocks) {
  const Result<PageRegion> block = PageRegion::map(kMaxReadBytes);
  if (!block.ok()) return blocks.fail(block.status());
  uint64_t offset = 0;
  while (File* const file = blocks.next(offset)) {
    const Result<size_t> got = read_fully(*file, offset, {block.value().data(), kMaxReadBytes});
    if (!got.ok()) blocks.fail(got.status());
  }
}

}  // namespace

Status read_files(const Model& model, size_t readers) {
  if (!model.has_direct()) {
    return Status(Code::unsupported, "the model's file system refuses direct reads");
  }
  Blocks blocks(model);
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (size_t i = 0; i < readers; ++i) {
      threads.push_back(Thread::start("hyp-reader", [&] { read_blocks(blocks); }));
      if (threads.back() == nullptr) {
        return Status(Code::out_of_memory, "the operating system refuses another thread");
      }
    }
  }
  return blocks.status();
}

}  // namespace hyperion
