#include "loading/layer_layout.h"

#include <algorithm>

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

// REQUIRES: the tensors are sorted by file and offset and none is empty.
std::vector<Run> coalesce(const std::vector<const Tensor*>& tensors) {
  std::vector<Run> runs;
  for (const Tensor* tensor : tensors) {
    const uint64_t begin = round_down(tensor->offset, kDirectAlignment);
    const uint64_t last = tensor->offset + tensor->bytes;
    const uint64_t end = round_up(last, kDirectAlignment);
    if (!runs.empty() && runs.back().file == tensor->file &&
        begin <= runs.back().offset + runs.back().bytes) {
      Run& run = runs.back();
      run.bytes = std::max(run.bytes, end - run.offset);
      run.required = std::max(run.required, last - run.offset);
    } else {
      runs.push_back({tensor->file, begin, end - begin, last - begin, 0});
    }
  }
  return runs;
}

}  // namespace

LayerLayout lay_out(const Model& model, std::span<const uint32_t> tensors) {
  std::vector<const Tensor*> sorted;
  for (const uint32_t index : tensors) {
    const Tensor& tensor = model.tensors()[index];
    if (tensor.bytes > 0) sorted.push_back(&tensor);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Tensor* a, const Tensor* b) {
    return a->file != b->file ? a->file < b->file : a->offset < b->offset;
  });

  LayerLayout layout;
  layout.runs = coalesce(sorted);
  for (Run& run : layout.runs) {
    run.place = layout.bytes;
    layout.bytes += run.bytes;
  }
  layout.bytes = round_up(layout.bytes, kPageSize);
  for (const uint32_t index : tensors) {
    const Tensor& tensor = model.tensors()[index];
    TensorPlace place = {index, 0};
    for (const Run& run : layout.runs) {
      const bool inside = run.file == tensor.file && tensor.offset >= run.offset &&
                          tensor.offset < run.offset + run.bytes;
      if (inside) place.place = run.place + (tensor.offset - run.offset);
    }
    layout.tensors.push_back(place);
  }
  return layout;
}

}  // namespace hyperion
