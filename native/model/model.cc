#include "model/model.h"

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

// REQUIRES: rows are whole blocks.
std::optional<uint64_t> bytes_of_shape(const std::vector<uint64_t>& shape, const Block& block) {
  std::optional<uint64_t> elements = 1;
  for (const uint64_t extent : shape) {
    elements = checked_mul(*elements, extent);
    if (!elements) return std::nullopt;
  }
  return checked_mul(*elements / block.elements, block.bytes);
}

bool lies_in(const File& file, uint64_t offset, uint64_t bytes) {
  const std::optional<uint64_t> end = checked_add(offset, bytes);
  return end && *end <= file.size();
}

Status check_tensor(const Tensor& tensor, const std::vector<ModelFile>& files) {
  const auto bad = [&](const std::string& why) {
    return Status(Code::bad_format, "tensor " + tensor.name + ": " + why);
  };
  if (tensor.file >= files.size()) {
    return bad("file " + std::to_string(tensor.file) + " of " + std::to_string(files.size()));
  }
  if (tensor.dtype != DType::data) {
    const Block block = block_of(tensor.dtype);
    const uint64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
    if (row % block.elements != 0) {
      return bad("its rows of " + std::to_string(row) + " elements are not whole blocks of " +
                 std::to_string(block.elements));
    }
    const std::optional<uint64_t> bytes = bytes_of_shape(tensor.shape, block);
    if (!bytes) return bad("its shape has more elements than can be counted");
    if (*bytes != tensor.bytes) {
      return bad("its shape takes " + std::to_string(*bytes) + " bytes, the file gives it " +
                 std::to_string(tensor.bytes));
    }
  }
  const File& file = *files[tensor.file].buffered;
  if (!lies_in(file, tensor.offset, tensor.bytes)) {
    return bad("its bytes from " + std::to_string(tensor.offset) + " leave " + file.path() +
               ", which has " + std::to_string(file.size()));
  }
  return {};
}

Status check_range(const CheckedRange& range, const std::vector<ModelFile>& files) {
  const bool lies =
      range.file < files.size() && lies_in(*files[range.file].buffered, range.offset, range.bytes);
  if (lies) return {};
  return Status(Code::bad_format, "the checksum of '" + range.name + "' is of " +
                                      std::to_string(range.bytes) + " bytes from " +
                                      std::to_string(range.offset) + ", which no file has");
}

}  // namespace

Result<std::shared_ptr<Model>> Model::open(const std::vector<std::string>& paths,
                                           std::vector<Tensor> tensors,
                                           std::vector<CheckedRange> checksums) {
  std::vector<ModelFile> files;
  for (const std::string& path : paths) {
    Result<std::unique_ptr<File>> buffered = open_file(path, Access::buffered);
    if (!buffered.ok()) return buffered.status();
    Result<std::unique_ptr<File>> direct = open_file(path, Access::direct);
    if (!direct.ok() && direct.status().code() != Code::unsupported) return direct.status();
    files.push_back({std::move(buffered.value()),
                     direct.ok() ? std::move(direct.value()) : std::unique_ptr<File>()});
  }
  return create(std::move(files), std::move(tensors), std::move(checksums));
}

Result<std::shared_ptr<Model>> Model::create(std::vector<ModelFile> files,
                                             std::vector<Tensor> tensors,
                                             std::vector<CheckedRange> checksums) {
  for (const Tensor& tensor : tensors) {
    if (Status status = check_tensor(tensor, files); !status.ok()) return status;
  }
  for (const CheckedRange& range : checksums) {
    if (Status status = check_range(range, files); !status.ok()) return status;
  }
  return std::shared_ptr<Model>(
      new Model(std::move(files), std::move(tensors), std::move(checksums)));
}

bool Model::has_direct() const {
  for (const ModelFile& file : files_) {
    if (file.direct == nullptr) return false;
  }
  return true;
}

File& Model::file(uint64_t index, Access access) const {
  const ModelFile& file = files_[index];
  return access == Access::direct || access == Access::uring ? *file.direct : *file.buffered;
}

void Model::drop_cache() const {
  for (const ModelFile& file : files_) file.buffered->drop_cache(0, file.buffered->size());
}

Status Model::check_index(size_t index) const {
  if (index < tensors_.size()) return {};
  return Status(Code::invalid,
                "tensor " + std::to_string(index) + " of " + std::to_string(tensors_.size()));
}

Status Model::read(size_t index, std::span<std::byte> out) const {
  if (Status status = check_index(index); !status.ok()) return status;
  const Tensor& tensor = tensors_[index];
  if (out.size() != tensor.bytes) {
    return Status(Code::invalid, "tensor " + tensor.name + " has " + std::to_string(tensor.bytes) +
                                     " bytes, the array " + std::to_string(out.size()));
  }
  advise_huge_pages(out);
  return read_bytes(index, 0, out);
}

Status Model::read_bytes(size_t index, uint64_t first, std::span<std::byte> out) const {
  const Tensor& tensor = tensors_[index];
  File& file = this->file(tensor.file, Access::buffered);
  const uint64_t offset = tensor.offset + first;
  const Result<size_t> got = read_fully(file, offset, out);
  if (!got.ok()) return got.status();
  if (got.value() < out.size()) return cut_short(file, offset, out.size(), got.value());
  return {};
}

Status cut_short(const File& file, uint64_t offset, uint64_t expected, uint64_t got) {
  return Status(Code::corrupt,
                file.path() + " was cut short: " + std::to_string(expected) +
                    " bytes were asked at offset " + std::to_string(offset) + ", " +
                    std::to_string(got) + " came",
                {{"offset", static_cast<double>(offset)},
                 {"expectedBytes", static_cast<double>(expected)},
                 {"gotBytes", static_cast<double>(got)}});
}

}  // namespace hyperion
