import ArgumentParser
import FileIO
import ToolSupport
import Training

/// `imwa-train kernels`.
struct KernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Print the name of the matrix kernels that are in use.",
    discussion: """
      Training gives the same bits where these are the same. They are chosen for the processor; the variable \
      OPENBLAS_CORETYPE of the environment chooses others: set to the name that is printed here, it \
      keeps them on another processor that can run them.

      \(Tool.exitStatusHelp)
      """)

  func run() throws {
    try Tool(name: ImwaTrain.toolName, talk: .normal).run {
      try Console.output.write(MatrixProducts.kernels + "\n")
    }
  }
}
