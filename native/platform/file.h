// A file opened for reading. Small and virtual, so that tests inject short, slow and failing reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"

namespace hyperion {

// What direct reads align to: file offset, length and memory address.
inline constexpr uint64_t kDirectAlignment = 4096;

// Thread-safe: any number of threads may read at once.
class File {
 public:
  virtual ~File() = default;

  // Reads once, up to out.size() bytes at `offset`; returns how many came, 0 at the end of the
  // file. REQUIRES for a direct file: offset, out.size() and out.data() are multiples of
  // kDirectAlignment.
  virtual Result<size_t> read(uint64_t offset, std::span<std::byte> out) = 0;

  // Maps a range of the file, read-only, over addresses that PageRegion::reserve() gave: its pages
  // come when they are touched, through the page cache. Touching them after the file was cut short
  // ends the process, unless a MappedRange watches them. UNSUPPORTED for files without mappings; IO.
  // REQUIRES: offset, bytes and address are multiples of kPageSize; the file is not direct.
  virtual Status map(uint64_t offset, uint64_t bytes, std::byte* address) = 0;

  // Which pages of the file are in the operating system's page cache: 1 or 0 for each of
  // out.size() pages from page `first` on. Touches none of them, so that a file that was cut short
  // is no danger. UNSUPPORTED for files without mappings; IO.
  virtual Status resident_pages(uint64_t first, std::span<uint8_t> out) = 0;

  // From now on a read brings into the operating system's page cache what it asks for, and nothing
  // that lies behind it. Advice only.
  virtual void stop_readahead() = 0;

  // Asks the operating system to forget its cached pages of the range. Advice only.
  virtual void drop_cache(uint64_t offset, uint64_t bytes) = 0;

  // CORRUPT when the file has another size or was written to since it was opened; IO. Cheap: one
  // call to the operating system. A file that another has taken the name of is unchanged.
  virtual Status check_unchanged() const = 0;

  // For calls that take the file itself, see ReadRing; negative where there is none.
  virtual int descriptor() const = 0;

  // A number for the device that the file lies on.
  virtual uint64_t device() const = 0;

  // True when reads go past the operating system's page cache.
  virtual bool direct() const = 0;

  // Size in bytes when the file was opened.
  virtual uint64_t size() const = 0;

  virtual const std::string& path() const = 0;
};

// How weights come into memory. `uring` reads directly too, through a ReadRing. Mapped ones are the
// page cache's, which decides what stays.
enum class Access { buffered, direct, uring, mapped };

// Opens a regular file. Direct access that the file system refuses is UNSUPPORTED; everything else
// is IO. REQUIRES: buffered or direct access.
Result<std::unique_ptr<File>> open_file(const std::string& path, Access access);

// Waits so many milliseconds; false when whoever waits is to give up.
using Pause = std::function<bool(double ms)>;

// A pause that always lasts.
bool sleep_ms(double ms);

// Reads until `out` is full or the file ends; returns how many bytes came. A read that fails is
// tried again twice, after a pause of a few milliseconds; the failure that is left says where and
// how often it was tried.
Result<size_t> read_fully(File& file, uint64_t offset, std::span<std::byte> out,
                          const Pause& pause = sleep_ms);

}  // namespace hyperion
