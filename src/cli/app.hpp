#pragma once

namespace lindrift::cli {

/// The whole program. Returns the exit code.
int main(int argc, char** argv);

}  // namespace lindrift::cli
