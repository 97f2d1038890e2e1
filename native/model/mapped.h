// What a mapped model asks of its files: parts of tensors, and which pages the operating system has
// in memory. Nothing here touches mapped pages: a file that is cut short gives CORRUPT, never a
// signal.
#pragma once

#include "model/model.h"

namespace hyperion {

// Reads bytes of a tensor from byte `first` on, through the page cache. INVALID when they leave the
// tensor; IO; CORRUPT when the file was cut short.
Status read_part(const Model& model, size_t tensor, uint64_t first, std::span<std::byte> out);

// Pages of a file, the last one included that it fills in part. REQUIRES: file < number of files.
uint64_t pages_of(const Model& model, uint64_t file);

// For each page of a file whether it is in the page cache, 1 or 0. INVALID unless out.size() is the
// number of its pages; IO.
Status resident_pages(const Model& model, uint64_t file, std::span<uint8_t> out);

}  // namespace hyperion
