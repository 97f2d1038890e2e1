#include "platform/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/checked.h"
#include "platform/os.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

Status io_error(const std::string& what, const std::string& path, int error) {
  return Status(Code::io, "cannot " + what + " " + path + ": " + std::strerror(error));
}

constexpr int kTries = 3;
constexpr double kFirstPauseMs = 4;  // the second is twice as long

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path, const struct stat& status, bool direct)
      : descriptor_(descriptor),
        path_(std::move(path)),
        size_(static_cast<uint64_t>(status.st_size)),
        written_ns_(os::written_ns(status)),
        device_(static_cast<uint64_t>(status.st_dev)),
        direct_(direct) {}
  ~PosixFile() override { ::close(descriptor_); }

  Result<size_t> read(uint64_t offset, std::span<std::byte> out) override {
    for (;;) {
      const ssize_t count =
          ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
      if (count >= 0) return static_cast<size_t>(count);
      if (errno != EINTR) return io_error("read", path_, errno);
    }
  }

  Status map(uint64_t offset, uint64_t bytes, std::byte* address) override {
    void* mapped = ::mmap(address, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor_,
                          static_cast<off_t>(offset));
    return mapped == MAP_FAILED ? io_error("map", path_, errno) : Status();
  }

  Status resident_pages(uint64_t first, std::span<uint8_t> out) override {
    if (out.empty()) return {};
    const uint64_t bytes = out.size() * kPageSize;
    void* mapped = ::mmap(nullptr, bytes, PROT_NONE, MAP_SHARED, descriptor_,
                          static_cast<off_t>(first * kPageSize));
    if (mapped == MAP_FAILED) return io_error("map", path_, errno);
    const bool told = os::resident_pages(mapped, bytes, out.data());
    const int error = errno;
    ::munmap(mapped, bytes);
    if (!told) return io_error("ask for the pages of", path_, error);
    for (uint8_t& page : out) page &= 1;
    return {};
  }

  void stop_readahead() override { os::stop_readahead(descriptor_); }

  void drop_cache(uint64_t offset, uint64_t bytes) override {
    os::drop_cache(descriptor_, offset, bytes);
  }

  Status check_unchanged() const override {
    struct stat status;
    if (::fstat(descriptor_, &status) != 0) return io_error("examine", path_, errno);
    if (static_cast<uint64_t>(status.st_size) == size_ && os::written_ns(status) == written_ns_) {
      return {};
    }
    return Status(Code::corrupt, path_ + " was changed since the model was opened");
  }

  int descriptor() const override { return descriptor_; }
  uint64_t device() const override { return device_; }
  bool direct() const override { return direct_; }
  uint64_t size() const override { return size_; }
  const std::string& path() const override { return path_; }

 private:
  const int descriptor_;
  const std::string path_;
  const uint64_t size_;
  const int64_t written_ns_;
  const uint64_t device_;
  const bool direct_;
};

// Some file systems accept a direct open and refuse the first direct read, so one page is tried.
bool direct_read_works(int descriptor) {
  auto page = PageRegion::map(kPageSize);
  return page.ok() && ::pread(descriptor, page.value().data(), kPageSize, 0) >= 0;
}

// One read, tried again when it fails.
Result<size_t> read_patiently(File& file, uint64_t offset, std::span<std::byte> out,
                              const Pause& pause) {
  double ms = kFirstPauseMs;
  for (int tried = 1;; ++tried, ms *= 2) {
    Result<size_t> count = file.read(offset, out);
    if (count.ok()) return count;
    if (tried < kTries && pause(ms)) continue;
    return Status(count.status().code(),
                  count.status().message() + " (at offset " + std::to_string(offset) + ", tried " +
                      (tried == 1 ? "once)" : std::to_string(tried) + " times)"),
                  {{"offset", static_cast<double>(offset)}});
  }
}

}  // namespace

Result<std::unique_ptr<File>> open_file(const std::string& path, Access access) {
  const bool direct = access == Access::direct;
  const int descriptor =
      direct ? os::open_direct(path.c_str()) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (direct && errno == EINVAL) {
      return Status(Code::unsupported, "the file system of " + path + " refuses direct reads");
    }
    return io_error("open", path, errno);
  }
  struct stat status;
  if (::fstat(descriptor, &status) != 0) {
    const int error = errno;
    ::close(descriptor);
    return io_error("examine", path, error);
  }
  auto file = std::make_unique<PosixFile>(descriptor, path, status, direct);
  if (!S_ISREG(status.st_mode)) {
    return Status(Code::io, "cannot read " + path + ": it is not a regular file");
  }
  if (direct && !direct_read_works(descriptor)) {
    return Status(Code::unsupported, "the file system of " + path + " refuses direct reads");
  }
  return std::unique_ptr<File>(std::move(file));
}

bool sleep_ms(double ms) {
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(ms));
  return true;
}

Result<size_t> read_fully(File& file, uint64_t offset, std::span<std::byte> out,
                          const Pause& pause) {
  size_t done = 0;
  while (done < out.size() && offset + done < file.size()) {
    // A direct read goes on at a block's boundary: what came of the last block comes again.
    const size_t from = file.direct() ? round_down(done, kDirectAlignment) : done;
    const Result<size_t> count = read_patiently(file, offset + from, out.subspan(from), pause);
    if (!count.ok()) return count.status();
    if (from + count.value() <= done) break;
    done = from + count.value();
  }
  return done;
}

}  // namespace hyperion
