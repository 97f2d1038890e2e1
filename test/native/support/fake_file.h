// A file in memory whose reads can be made to fail, to come short, and to wait.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <vector>

#include "platform/file.h"

namespace hyperion {

class FakeFile final : public File {
 public:
  FakeFile(std::string path, std::vector<std::byte> bytes)
      : path_(std::move(path)), bytes_(std::move(bytes)), size_(bytes_.size()) {}

  // Reads that touch this offset fail, until it is cleared.
  void fail_at(std::optional<uint64_t> offset) {
    const std::lock_guard lock(mutex_);
    fail_at_ = offset;
  }

  // Of the reads from now on, counted from 0, the n-th fails; `for_good`, all after it too.
  void fail_read(uint64_t n, bool for_good = false) {
    const std::lock_guard lock(mutex_);
    fail_read_ = reads_ + n;
    for_good_ = for_good;
  }

  void heal() {
    const std::lock_guard lock(mutex_);
    fail_read_.reset();
  }

  // The byte is another from now on, and what it was after the next call.
  void flip(uint64_t offset) {
    const std::lock_guard lock(mutex_);
    bytes_[offset] ^= std::byte{0x10};
  }

  // As if someone had written to the file.
  void change() {
    const std::lock_guard lock(mutex_);
    changed_since_ = true;
  }

  uint64_t reads() {
    const std::lock_guard lock(mutex_);
    return reads_;
  }

  // The file ends here from now on, whatever size() said.
  void cut(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    end_ = bytes;
  }

  // Reads are as those of a file opened for direct access.
  void set_direct() { direct_ = true; }

  // Each read takes so long, however many go on at once.
  void set_read_ms(int ms) {
    const std::lock_guard lock(mutex_);
    read_ms_ = ms;
  }

  // Single reads bring this many bytes at most.
  void set_most_at_once(size_t bytes) {
    const std::lock_guard lock(mutex_);
    most_at_once_ = bytes;
  }

  // Reads wait while the gate is shut.
  void shut_gate() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open_gate() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }

  // Returns when so many reads wait at the gate.
  void await_waiting(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

  // Returns when so many reads were begun in all.
  void await_reads(uint64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reads_ >= count; });
  }

  Result<size_t> read(uint64_t offset, std::span<std::byte> out) override {
    std::unique_lock lock(mutex_);
    const uint64_t number = reads_++;
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    changed_.wait_for(lock, std::chrono::milliseconds(read_ms_), [] { return false; });
    --waiting_;
    const bool fails = fail_read_ && (for_good_ ? number >= *fail_read_ : number == *fail_read_);
    if (fails || (fail_at_ && *fail_at_ >= offset && *fail_at_ < offset + out.size())) {
      return Status(Code::io, "cannot read " + path_ + ": Input/output error");
    }
    const uint64_t end = std::min<uint64_t>(end_.value_or(bytes_.size()), bytes_.size());
    if (offset >= end) return size_t{0};
    const size_t count = std::min({out.size(), static_cast<size_t>(end - offset), most_at_once_});
    std::memcpy(out.data(), bytes_.data() + offset, count);
    return count;
  }

  Status map(uint64_t, uint64_t, std::byte*) override {
    return Status(Code::unsupported, path_ + " has no mappings");
  }

  Status resident_pages(uint64_t, std::span<uint8_t>) override {
    return Status(Code::unsupported, path_ + " has no mappings");
  }

  void stop_readahead() override {}
  void drop_cache(uint64_t, uint64_t) override {}
  Status check_unchanged() const override {
    const std::lock_guard lock(mutex_);
    if (!changed_since_) return {};
    return Status(Code::corrupt, path_ + " was changed since the model was opened");
  }
  int descriptor() const override { return -1; }
  uint64_t device() const override { return 0; }
  bool direct() const override { return direct_; }
  uint64_t size() const override { return size_; }
  const std::string& path() const override { return path_; }

 private:
  const std::string path_;
  std::vector<std::byte> bytes_;
  const uint64_t size_;
  bool direct_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<uint64_t> fail_at_;
  std::optional<uint64_t> end_;
  std::optional<uint64_t> fail_read_;
  bool for_good_ = false;
  bool changed_since_ = false;
  size_t most_at_once_ = SIZE_MAX;
  int read_ms_ = 0;
  bool open_ = true;
  size_t waiting_ = 0;
  uint64_t reads_ = 0;
};

}  // namespace hyperion
