// Graphs in which anything may be wrong: one that check_graph lets through has a plan, and runs
// within its bounds.
#include <future>

#include "fuzz/input.h"
#include "inference/session.h"
#include "scheduling/graph_check.h"
#include "scheduling/requirements.h"
#include "support/tiny_llama.h"

namespace hyperion {
namespace {

constexpr uint64_t kMostBudget = 4 << 20;
// A session takes milliseconds, its checks microseconds: of so many graphs that could run, one
// does.
constexpr uint64_t kRunOneOf = 16;

void change(Input& input, uint32_t& value) {
  value = static_cast<uint32_t>(input.chance() ? input.below(48) : input.near(value));
}
void change(Input& input, uint64_t& value) {
  value = input.near(value);
}
void change(Input& input, float& value) {
  value = input.real();
}
void change(Input& input, bool& value) {
  value = input.chance();
}
void change(Input& input, Activate::Function& value) {
  value = static_cast<Activate::Function>(input.below(3));
}
template <typename T>
void change(Input& input, std::optional<T>& value) {
  if (!value) {
    value.emplace();
    change(input, *value);
  } else if (input.chance()) {
    value.reset();
  } else {
    change(input, *value);
  }
}

// One of the fields that the operation has, of those that operations have.
struct ChangeField {
  Input& input;

  template <typename T>
  void operator()(T& op) const {
    uint64_t left = input.below(12);
    const auto field = [&](auto& value) {
      if (left-- == 0) change(input, value);
    };
    if constexpr (requires { op.in; }) field(op.in);
    if constexpr (requires { op.out; }) field(op.out);
    if constexpr (requires { op.table; }) field(op.table);
    if constexpr (requires { op.weight; }) field(op.weight);
    if constexpr (requires { op.bias; }) field(op.bias);
    if constexpr (requires { op.eps; }) field(op.eps);
    if constexpr (requires { op.buffer; }) field(op.buffer);
    if constexpr (requires { op.q; }) field(op.q);
    if constexpr (requires { op.k; }) field(op.k);
    if constexpr (requires { op.v; }) field(op.v);
    if constexpr (requires { op.heads; }) field(op.heads);
    if constexpr (requires { op.kv_heads; }) field(op.kv_heads);
    if constexpr (requires { op.head_dim; }) field(op.head_dim);
    if constexpr (requires { op.cache; }) field(op.cache);
    if constexpr (requires { op.window; }) field(op.window);
    if constexpr (requires { op.scale; }) field(op.scale);
    if constexpr (requires { op.row; }) field(op.row);
    if constexpr (requires { op.offset; }) field(op.offset);
    if constexpr (requires { op.first; }) field(op.first);
    if constexpr (requires { op.transposed; }) field(op.transposed);
    if constexpr (requires { op.interleaved; }) field(op.interleaved);
    if constexpr (requires { op.softcap; }) field(op.softcap);
    if constexpr (requires { op.causal; }) field(op.causal);
    if constexpr (requires { op.function; }) field(op.function);
    if constexpr (requires { op.cap; }) field(op.cap);
    if constexpr (requires { op.factor; }) field(op.factor);
  }
};

template <typename T>
T& pick(Input& input, std::vector<T>& list) {
  return list[input.below(list.size())];
}

// Leaves out, doubles or exchanges elements of a list.
template <typename T>
void rearrange(Input& input, std::vector<T>& list) {
  if (list.empty()) return;
  const auto at = list.begin() + static_cast<ptrdiff_t>(input.below(list.size()));
  switch (input.below(3)) {
    case 0:
      list.erase(at);
      break;
    case 1:
      list.push_back(*at);
      break;
    default:
      std::swap(*at, pick(input, list));
  }
}

void change(Input& input, Graph& graph) {
  switch (input.below(10)) {
    case 0:
      return change(input, graph.vocab);
    case 1:
      return change(input, graph.context_length);
    case 2:
      return change(input, graph.kv_layers);
    case 3:
      return change(input, graph.kv_width);
    case 4:
      if (input.chance()) return graph.rotary.resize(input.below(3));
      if (!graph.rotary.empty()) {
        pick(input, graph.rotary).inverse_frequencies.resize(input.below(64));
      }
      return;
    case 5:
      if (!graph.buffers.empty()) change(input, pick(input, graph.buffers).width);
      return;
    case 6:
      if (input.chance()) return rearrange(input, graph.buffers);
      return rearrange(input, graph.layers);
    case 7:
      return change(input, graph.result);
    default:
      break;
  }
  if (graph.layers.empty()) return;
  GraphLayer& layer = pick(input, graph.layers);
  switch (input.below(6)) {
    case 0:
      return rearrange(input, layer.tensors);
    case 1:
      return rearrange(input, layer.ops);
    case 2:
      layer.head = !layer.head;
      return;
    case 3:
      if (!layer.tensors.empty()) change(input, pick(input, layer.tensors));
      return;
    default:
      if (!layer.ops.empty()) std::visit(ChangeField{input}, pick(input, layer.ops));
  }
}

SessionOptions make_options(Input& input) {
  SessionOptions options;
  options.readers = 1;
  options.threads = 1;
  options.prefetch_window = input.below(4);
  options.strategy.kind = static_cast<StrategyConfig::Kind>(input.below(4));
  if (input.chance()) options.strategy.initial_pool_size = input.number();
  if (input.chance()) options.strategy.block_size = input.number();
  if (input.chance()) options.budget = input.number();
  return options;
}

void run(const std::shared_ptr<Model>& model, const Graph& graph, const SessionOptions& options) {
  Result<std::shared_ptr<Session>> session = Session::create(model, graph, options);
  if (!session.ok()) return;
  std::vector<int32_t> ids;
  for (uint64_t i = 0; i < std::min<uint64_t>(3, graph.context_length); ++i) {
    ids.push_back(static_cast<int32_t>(graph.vocab - 1));
  }
  std::vector<float> results(ids.size() * result_width(graph));
  std::promise<void> done;
  const SequencePart part = {0, ids.size(), ResultRows::all};
  const Status refused =
      session.value()->forward(ids, {&part, 1}, results, [&](const Status&) { done.set_value(); });
  if (refused.ok()) done.get_future().wait();
}

// With the operations that the network itself does without.
TinyLlama with_all_operations() {
  TinyLlama network = make_tiny_llama({.layers = 1, .context = 20});
  Graph& graph = network.graph;
  const uint32_t table = graph.layers[0].tensors[0];
  GraphLayer& body = graph.layers[1];
  const uint32_t norm = std::get<RmsNorm>(body.ops[0]).weight;
  body.tensors.push_back(table);
  body.ops.insert(body.ops.begin(), {AddRow{0, table}, AddRow{0, table, 3}, Scale{0, 2},
                                     LayerNorm{0, 0, norm, 1e-5f, norm}});
  graph.layers.back().ops.push_back(SoftCap{graph.result, 30});
  return network;
}

void fuzz(Input input) {
  static const TinyLlama valid[] = {
      with_all_operations(),
      make_tiny_llama({.layers = 1}),
      make_tiny_llama({.layers = 2, .tied = true, .window = 2, .biases = true}),
  };
  const bool runs = input.below(kRunOneOf) == 0;
  const TinyLlama& network = valid[input.below(std::size(valid))];
  SessionOptions options = make_options(input);
  Graph graph = network.graph;
  for (int edits = 0; input.more() && edits < 8; ++edits) change(input, graph);
  if (!check_options(options).ok() || !check(options.strategy).ok()) return;
  if (!check_graph(graph, *network.fake.model).ok()) return;

  const Requirements requirements(graph, *network.fake.model, options);
  if (!requirements.check_strategy().ok()) return;
  const uint64_t positions = std::min<uint64_t>(3, graph.context_length);
  const Plan plan = requirements.plan(positions);
  if (!runs || plan.smallest_budget > kMostBudget) return;
  if (options.strategy.initial_pool_size > kMostBudget) return;
  options.budget = std::min(options.budget, 2 * kMostBudget);
  run(network.fake.model, graph, options);
}

}  // namespace
}  // namespace hyperion

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hyperion::fuzz(hyperion::Input(data, size));
  return 0;
}
