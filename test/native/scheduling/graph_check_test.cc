#include "scheduling/graph_check.h"

#include <gtest/gtest.h>

#include "support/tiny_llama.h"

namespace hyperion {
namespace {

constexpr size_t kAttentionLayer = 1;

class GraphCheck : public testing::Test {
 protected:
  template <typename T>
  T& op(size_t layer, size_t index) {
    return std::get<T>(network_.graph.layers[layer].ops[index]);
  }
  void expect_refused(const std::string& part, Code code = Code::invalid) {
    const Status status = check_graph(network_.graph, *network_.fake.model);
    EXPECT_EQ(status.code(), code);
    EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
  }

  TinyLlama network_ = make_tiny_llama({});
};

TEST_F(GraphCheck, TakesAWellFormedGraph) {
  EXPECT_TRUE(check_graph(network_.graph, *network_.fake.model).ok());
}

// Embedding, norm and output with a bias, of these types; all rows are 32 long.
Status check_types(DType matrix, DType norm, DType bias) {
  ModelBuilder builder;
  const auto add = [&](const std::string& name, std::vector<uint64_t> shape, DType dtype) {
    if (dtype == DType::f32) return builder.add(name, std::move(shape));
    if (dtype != DType::data) return builder.add_blocks(name, std::move(shape), dtype);
    return builder.add_data(name, std::move(shape));
  };
  const uint32_t table = add("table", {32, 32}, matrix);
  const uint32_t scale = add("scale", {32}, norm);
  const uint32_t offset = add("offset", {32}, bias);
  const FakeModel fake = builder.build();
  Graph graph;
  graph.vocab = 32;
  graph.context_length = 1;
  graph.buffers = {{"x", 32}, {"logits", 32}};
  graph.result = 1;
  graph.layers = {{"embedding", {table}, false, {Embed{0, table}}},
                  {"norm", {scale}, true, {RmsNorm{0, 0, scale, 0}}},
                  {"output", {table, offset}, true, {MatMul{0, 1, table, offset}}}};
  return check_graph(graph, *fake.model);
}

TEST(GraphCheckTypes, TakesQuantizedMatrices) {
  EXPECT_TRUE(check_types(DType::q4_0, DType::f32, DType::f32).ok());
}

TEST(GraphCheckTypes, RefusesQuantizedNormsAndBiasesAndMatricesOfDataByName) {
  const std::pair<Status, std::string> refused[] = {
      {check_types(DType::f32, DType::q8_0, DType::f32), "tensor scale is not of F32, F16 or BF16"},
      {check_types(DType::f32, DType::f32, DType::q8_0), "tensor offset is not of F32"},
      {check_types(DType::f32, DType::f32, DType::data), "tensor offset is not of F32"},
      {check_types(DType::data, DType::f32, DType::f32), "tensor table is of a type"},
  };
  for (const auto& [status, part] : refused) {
    EXPECT_EQ(status.code(), Code::unsupported);
    EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
  }
}

TEST_F(GraphCheck, RefusesBuffersAndTensorsThatAreNotThere) {
  op<RmsNorm>(kAttentionLayer, 0).out = 99;
  expect_refused("buffer 99");
}

TEST_F(GraphCheck, RefusesATensorThatIsNotTheLayers) {
  op<MatMul>(kAttentionLayer, 1).weight = 0;
  expect_refused("not one of the layer's");
}

TEST_F(GraphCheck, RefusesATensorOutsideTheModel) {
  network_.graph.layers[kAttentionLayer].tensors.push_back(1000);
  expect_refused("tensor 1000");
}

TEST_F(GraphCheck, RefusesAMatrixOfAnotherShape) {
  network_.graph.buffers[2].width = 25;
  expect_refused("shape");
}

TEST_F(GraphCheck, RefusesHeadsThatDoNotFitTheirBuffers) {
  op<Attention>(kAttentionLayer, 6).heads = 3;
  expect_refused("width");
}

TEST_F(GraphCheck, RefusesHeadsWhoseProductOverflows) {
  op<Attention>(kAttentionLayer, 6).heads = UINT32_MAX;
  op<Attention>(kAttentionLayer, 6).head_dim = UINT32_MAX;
  expect_refused("heads");
}

TEST_F(GraphCheck, RefusesNoHeads) {
  op<Attention>(kAttentionLayer, 6).kv_heads = 0;
  expect_refused("heads");
}

TEST_F(GraphCheck, RefusesACachedLayerThatIsNotThere) {
  op<Attention>(kAttentionLayer, 6).cache = 3;
  expect_refused("cached layer 3 of 3");
}

TEST_F(GraphCheck, RefusesAnEmptyWindow) {
  op<Attention>(kAttentionLayer, 6).window = 0;
  expect_refused("window");
}

TEST_F(GraphCheck, RefusesMoreRotaryFrequenciesThanPairsAndTablesThatAreNotThere) {
  network_.graph.rotary[0].inverse_frequencies.push_back(1);
  expect_refused("rotary frequencies");
  network_.graph.rotary.clear();
  expect_refused("rotary table 0 of 0");
}

TEST_F(GraphCheck, RefusesAnInputThatIsItsOutput) {
  op<MatMul>(kAttentionLayer, 1).out = 1;
  expect_refused("one buffer");
}

TEST_F(GraphCheck, RefusesAttentionInAHeadLayer) {
  network_.graph.layers[kAttentionLayer].head = true;
  expect_refused("head layer");
}

TEST_F(GraphCheck, RefusesABodyLayerAfterAHeadLayer) {
  network_.graph.layers[0].head = true;
  network_.graph.layers[0].ops.clear();
  expect_refused("follows a head layer");
}

TEST_F(GraphCheck, RefusesAResultThatNothingMakes) {
  network_.graph.layers.back().ops.clear();
  expect_refused("no operation makes the result");
}

TEST_F(GraphCheck, RefusesAResultThatIsReadBeforeItIsMade) {
  auto& ops = network_.graph.layers.back().ops;
  ops.insert(ops.begin(), Scale{8, 2});
  expect_refused("before it is made");
}

TEST_F(GraphCheck, RefusesTheResultOutsideOfHeadLayers) {
  network_.graph.layers[2].ops.push_back(Add{8, 8});
  expect_refused("outside of head layers");
}

TEST_F(GraphCheck, RefusesAResultThatIsNoBuffer) {
  network_.graph.result = 9;
  expect_refused("buffer 9");
}

TEST_F(GraphCheck, TakesWhatFollowsTheLastProduct) {
  network_.graph.layers.back().ops.push_back(SoftCap{8, 30});
  EXPECT_TRUE(check_graph(network_.graph, *network_.fake.model).ok());
}

TEST_F(GraphCheck, RefusesPartsOfAWeightBeyondItsEnd) {
  op<MatMul>(kAttentionLayer, 1).first = 1;
  expect_refused("shape");
}

TEST_F(GraphCheck, RefusesATransposedMatrixOfAnotherShape) {
  op<MatMul>(2, 1).transposed = true;
  expect_refused("shape");
}

TEST_F(GraphCheck, RefusesHeadsThatDoNotDivideANormsWidth) {
  op<RmsNorm>(kAttentionLayer, 0).heads = 5;
  expect_refused("do not divide");
}

TEST_F(GraphCheck, RefusesATableOfPositionsThatIsShorterThanTheContext) {
  const uint32_t table = network_.graph.layers[0].tensors[0];
  network_.graph.layers[kAttentionLayer].tensors.push_back(table);
  network_.graph.layers[kAttentionLayer].ops.push_back(AddRow{0, table, 22});
  EXPECT_TRUE(check_graph(network_.graph, *network_.fake.model).ok());
  network_.graph.layers[kAttentionLayer].ops.push_back(AddRow{0, table});
  expect_refused("shape");
}

TEST_F(GraphCheck, RefusesAWindowThatLooksAhead) {
  op<Attention>(kAttentionLayer, 6).window = 4;
  op<Attention>(kAttentionLayer, 6).causal = false;
  expect_refused("causal");
}

TEST_F(GraphCheck, RefusesCapsThatAreNone) {
  op<Attention>(kAttentionLayer, 6).softcap = -1;
  expect_refused("soft cap");
  op<Attention>(kAttentionLayer, 6).softcap = 0;
  network_.graph.layers.back().ops.push_back(SoftCap{8, 0});
  expect_refused("cap");
}

TEST_F(GraphCheck, RefusesAVocabularyThatIsNotTheTables) {
  network_.graph.vocab = 24;
  expect_refused("shape");
}

TEST_F(GraphCheck, RefusesNoLayersAndSenselessSizes) {
  network_.graph.context_length = 0;
  expect_refused("context");
  network_.graph.context_length = 300;
  network_.graph.kv_layers = 1ull << 40;
  expect_refused("KV cache");
  network_.graph.kv_layers = 3;
  network_.graph.layers.clear();
  expect_refused("0 layers");
}

}  // namespace
}  // namespace hyperion
