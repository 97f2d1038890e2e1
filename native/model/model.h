// An opened model: its files and the table of tensors in them, every bound checked. What the
// tensors mean is the graph's.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "compute/dtype.h"
#include "platform/file.h"

namespace hyperion {

struct Tensor {
  std::string name;
  uint64_t file;    // index into the model's files
  uint64_t offset;  // bytes from the start of the file
  uint64_t bytes;
  DType dtype;
  std::vector<uint64_t> shape;
};

// Bytes of a file whose checksum was taken when they were written: a layer, as a rule.
struct CheckedRange {
  std::string name;
  uint64_t file;    // index into the model's files
  uint64_t offset;  // bytes from the start of the file
  uint64_t bytes;
  uint32_t crc32;
};

// One file, opened both ways. `direct` is null where the file system refuses direct reads.
struct ModelFile {
  std::unique_ptr<File> buffered;
  std::unique_ptr<File> direct;
};

// Thread-safe.
class Model {
 public:
  // Opens the files and checks the tensors. IO, or BAD_FORMAT naming the tensor or the range.
  static Result<std::shared_ptr<Model>> open(const std::vector<std::string>& paths,
                                             std::vector<Tensor> tensors,
                                             std::vector<CheckedRange> checksums = {});

  // The same for files that are open already.
  static Result<std::shared_ptr<Model>> create(std::vector<ModelFile> files,
                                               std::vector<Tensor> tensors,
                                               std::vector<CheckedRange> checksums = {});

  const std::vector<Tensor>& tensors() const { return tensors_; }

  // Of what the files say their bytes are. Reading tensors does not look at them, loading does.
  const std::vector<CheckedRange>& checksums() const { return checksums_; }

  size_t files() const { return files_.size(); }

  // Whether every file can be read directly.
  bool has_direct() const;

  // The file to read or map from. REQUIRES: index < number of files; has_direct() for direct
  // access and uring.
  File& file(uint64_t index, Access access) const;

  // INVALID unless there is a tensor of this index.
  Status check_index(size_t tensor) const;

  // Reads a tensor's bytes through the page cache. INVALID unless out.size() is the tensor's bytes;
  // IO; CORRUPT when the file was cut short.
  Status read(size_t tensor, std::span<std::byte> out) const;

  // The same for its bytes from `first` on. REQUIRES that they are the tensor's.
  Status read_bytes(size_t tensor, uint64_t first, std::span<std::byte> out) const;

  // Asks the operating system to forget the files' cached pages. Advice only.
  void drop_cache() const;

  // Marks the model closed; the files stay open while sessions hold it.
  void close() { closed_ = true; }
  bool closed() const { return closed_; }

 private:
  Model(std::vector<ModelFile> files, std::vector<Tensor> tensors,
        std::vector<CheckedRange> checksums)
      : files_(std::move(files)), tensors_(std::move(tensors)), checksums_(std::move(checksums)) {}

  const std::vector<ModelFile> files_;
  const std::vector<Tensor> tensors_;
  const std::vector<CheckedRange> checksums_;
  std::atomic<bool> closed_ = false;
};

// The failure of a read that met the end of a file which had been longer.
Status cut_short(const File& file, uint64_t offset, uint64_t expected, uint64_t got);

}  // namespace hyperion
