// The operations of a graph on the activations of a chunk, each shared out over the team. A task
// looks at the cancel flag before it starts and takes a few milliseconds at most, so a cancel is
// seen soon however long the operation.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "compute/function_ref.h"
#include "compute/kernels.h"
#include "compute/team.h"
#include "inference/activations.h"
#include "inference/attention_scratch.h"
#include "inference/kv_cache.h"
#include "loading/layer_store.h"
#include "loading/row_reader.h"
#include "model/model.h"
#include "scheduling/parts.h"

namespace hyperion {

// Where a token stands.
struct Place {
  uint32_t sequence;
  bool asked;         // whether its result is asked
  uint64_t position;  // in its sequence
  uint64_t length;    // of its sequence, with all that the pass appends
};

// What one layer computes on.
struct Step {
  std::span<const int32_t> ids;  // the chunk's
  std::span<const Place> places;
  uint64_t count;          // rows that are computed: the chunk's; in head layers those asked
  float* results;          // of head layers
  const PartPin* weights;  // the layer's first part; null for lookups without a resident table
};

// What operations work in; owned by the executor.
struct Workspace {
  Activations& activations;
  KvCache& cache;
  AttentionScratch& scratch;
  Team& team;
  LayerStore& store;
  RowReader& rows;
  const std::atomic<bool>& cancelled;
};

class Operations {
 public:
  // REQUIRES: graph and model outlive this; the graph was checked against the model.
  Operations(const Graph& graph, const Model& model, Workspace workspace)
      : graph_(graph), model_(model), kernels_(kernels()), work_(workspace) {}

  // CANCELLED when the flag is set; IO, CORRUPT and OVER_BUDGET of lookups that read the file.
  Status run(const Op& op, const Step& step);

  // The same for rows of a product whose weight lies in a part of its own.
  Status run_rows(const MatMul& op, const Step& step, const PartPin& part, const Task& task);

 private:
  Status unless_cancelled() const;
  Status compute(const Embed& op, const Step& step);
  Status compute(const AddRow& op, const Step& step);
  Status compute(const RmsNorm& op, const Step& step);
  Status compute(const LayerNorm& op, const Step& step);
  Status compute(const MatMul& op, const Step& step);
  Status compute(const Rope& op, const Step& step);
  Status compute(const Attention& op, const Step& step);
  Status compute(const Activate& op, const Step& step);
  Status compute(const SoftCap& op, const Step& step);
  Status compute(const Scale& op, const Step& step);
  Status compute(const Multiply& op, const Step& step);
  Status compute(const Add& op, const Step& step);

  // Rows [begin, begin + matrix.rows) of a product.
  struct Product {
    Matrix matrix;
    uint64_t begin;
  };
  void multiply(const MatMul& op, const Step& step, const Product& product);
  void add_bias(const MatMul& op, const Step& step, uint64_t begin, uint64_t end, uint64_t tokens,
                float* out) const;
  void append_to_cache(const Attention& op, const Step& step);
  void each_row(const Step& step, FunctionRef<void(uint64_t row)> task);
  float* row(uint32_t buffer, uint64_t token, const Step& step);

  const Graph& graph_;
  const Model& model_;
  const Kernels& kernels_;
  Workspace work_;
};

}  // namespace hyperion
