#include "cli/app.hpp"

int main(int argc, char** argv) { return lindrift::cli::main(argc, argv); }
