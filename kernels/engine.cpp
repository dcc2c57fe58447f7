// SPDX-License-Identifier: Apache-2.0
#include "kernels/engine.hpp"

#include <chrono>

namespace bitloom::kernels {

Result LoadedLayer::run(unsigned bits, const Activations& acts, OutputFormat format) const {
  const std::unique_ptr<PreparedCall> call = prepare(bits, acts, format);
  call->wait();
  const auto start = std::chrono::steady_clock::now();
  call->enqueue(nullptr);
  call->wait();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  Result result = call->read();
  result.seconds = elapsed.count();
  return result;
}

}  // namespace bitloom::kernels
