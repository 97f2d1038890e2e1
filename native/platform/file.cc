#include "platform/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "platform/os.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

Status io_error(const std::string& what, const std::string& path, int error) {
  return Status(Code::io, "cannot " + what + " " + path + ": " + std::strerror(error));
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path, uint64_t size, bool direct)
      : descriptor_(descriptor), path_(std::move(path)), size_(size), direct_(direct) {}
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

  void drop_cache(uint64_t offset, uint64_t bytes) override {
    os::drop_cache(descriptor_, offset, bytes);
  }

  bool direct() const override { return direct_; }
  uint64_t size() const override { return size_; }
  const std::string& path() const override { return path_; }

 private:
  const int descriptor_;
  const std::string path_;
  const uint64_t size_;
  const bool direct_;
};

// Some file systems accept a direct open and refuse the first direct read, so one page is tried.
bool direct_read_works(int descriptor) {
  auto page = PageRegion::map(kPageSize);
  return page.ok() && ::pread(descriptor, page.value().data(), kPageSize, 0) >= 0;
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
  auto file =
      std::make_unique<PosixFile>(descriptor, path, static_cast<uint64_t>(status.st_size), direct);
  if (!S_ISREG(status.st_mode)) {
    return Status(Code::io, "cannot read " + path + ": it is not a regular file");
  }
  if (direct && !direct_read_works(descriptor)) {
    return Status(Code::unsupported, "the file system of " + path + " refuses direct reads");
  }
  return std::unique_ptr<File>(std::move(file));
}

Result<size_t> read_fully(File& file, uint64_t offset, std::span<std::byte> out) {
  size_t done = 0;
  while (done < out.size()) {
    const Result<size_t> count = file.read(offset + done, out.subspan(done));
    if (!count.ok()) return count.status();
    done += count.value();
    // A direct read that stops between two blocks has met the end of the file.
    if (count.value() == 0 || (file.direct() && done % kDirectAlignment != 0)) break;
  }
  return done;
}

}  // namespace hyperion
