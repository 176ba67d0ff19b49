// trellisctl: administers a Trellis mesh. See commands.h.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "tools/trellisctl/commands.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const char* socket = getenv("TRELLIS_ADMIN");
  return trellis::ctl::RunProgram(arguments, socket == nullptr ? "" : socket, std::cin, std::cout,
                                  std::cerr);
}
