#include "compute/kernels.h"

#include <cstdlib>
#include <string>

#include "compute/kernel_table.h"

namespace hyperion {
namespace {

#if defined(__x86_64__)
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
bool has_avx2() {
  return false;
}
bool has_avx512() {
  return false;
}
#endif

struct Choice {
  const Kernels* kernels;
  std::string problem;
};

Choice choose() {
  const Kernels* best = &kScalarKernels;
  for (const char* name : {"avx512", "avx2"})
    if (best == &kScalarKernels && kernels_for(name)) best = kernels_for(name);

  const char* wanted = std::getenv("HYPERION_ISA");
  if (!wanted || !*wanted) return {best, ""};
  if (const Kernels* named = kernels_for(wanted)) return {named, ""};

  const std::string_view name = wanted;
  const bool known = name == "avx2" || name == "avx512";
  return {best, "HYPERION_ISA=" + std::string(name) +
                    (known ? " is more than this processor or build has"
                           : " is not an instruction set (scalar, avx2 or avx512)") +
                    "; using " + best->name};
}

const Choice& choice() {
  static const Choice chosen = choose();
  return chosen;
}

}  // namespace

const Kernels& kernels() {
  return *choice().kernels;
}

const Kernels* kernels_for(std::string_view name) {
  if (name == "scalar") return &kScalarKernels;
  if (name == "avx2" && has_avx2() && kAvx2Kernels.name) return &kAvx2Kernels;
  if (name == "avx512" && has_avx512() && kAvx512Kernels.name) return &kAvx512Kernels;
  return nullptr;
}

const char* isa_override_problem() {
  const std::string& problem = choice().problem;
  return problem.empty() ? nullptr : problem.c_str();
}

}  // namespace hyperion
