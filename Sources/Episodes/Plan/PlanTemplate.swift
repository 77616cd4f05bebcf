import FileIO
public import SystemPackage
import TensorCore

/// A commented plan to start from.
public enum PlanTemplate: String, Sendable, CaseIterable {
  case keras
  case pytorch
  case builtin

  /// The text.
  ///
  /// - Parameter trainer: the script that the plan names; nil for that of the examples.
  public func text(trainer: String? = nil) -> String {
    switch self {
    case .builtin: builtInText
    case .keras: scriptText(trainer ?? "train_keras.py", suffix: ".weights.h5")
    case .pytorch: scriptText(trainer ?? "train_pytorch.py", suffix: ".safetensors")
    }
  }

  /// Whether there is a script for the plan.
  public var hasTrainer: Bool { trainer != nil }

  /// Writes a trainer for the plan, which needs nothing but its framework.
  ///
  /// - Throws: `RunError` when there is something already, `FileError`.
  public func writeTrainer(to path: FilePath) throws {
    guard let trainer else { return }
    guard try SmallFile.create(path, trainer) else {
      throw RunError(.cannotCreate, "\(path): it is there already", hint: "name a new file")
    }
  }

  private var trainer: [UInt8]? {
    switch self {
    case .builtin: nil
    case .keras: PackageResources.train_keras_py
    case .pytorch: PackageResources.train_pytorch_py
    }
  }

  /// A plan that shows what a run is: the built-in trainer on long-tailed handwritten digits.
  public static let demo = """
    # Two networks learn long-tailed handwritten digits from the same start, in different orders. Twenty times
    # they are averaged, and both go on from the average. A moving average (EMA) is averaged alike.
    episodes: 20
    members: 2
    iterations: 1000
    seed: 1
    init: {builtin: [--data, digits, --imbalance, 30, --model, "mlp:64"]}
    suffix: .safetensors
    train:
      builtin: [--data, digits, --imbalance, 30, --input-noise, 0.7, --ema-decay, 0.99, --durability, none]
    ema: trainer
    evaluate:
      builtin: [--data, digits, --imbalance, 30]
      metric: balanced_accuracy
      on: [averages, members, ema]
      every: 2

    """

  private var builtInText: String {
    """
    # A plan for imwa-run with the built-in trainer: 'man imwa-plan' tells all keys, 'imwa-train --help' the
    # options in the lists. imwa-run validate plan.yaml; imwa-run start plan.yaml --dir run

    episodes: 20        # how often the members are averaged
    members: 2          # how many models train from one start; 2 or 3 do best
    iterations: 2000    # of each member over all episodes
    seed: 0

    init: {builtin: [--data, digits, --model, "mlp:128"]}
    suffix: .safetensors
    train: {builtin: [--data, digits]}
    evaluate: {builtin: [--data, digits], metric: balanced_accuracy, on: [averages, members]}

    # ema: trainer                                 # with --ema-decay in train: it is averaged, too
    # state: carry                                 # each member's own optimizer; or: reset, average
    # warm_start: 100                              # iterations of one process before the first episode

    executor: {local: parallel}                    # or: serial, or how many at once
    # tensorboard: true

    """
  }

  private func scriptText(_ name: String, suffix: String) -> String {
    // A name may hold what has a meaning in YAML or is a brace of a placeholder.
    let quoted = name.replacing("{", with: "{{").replacing("}", with: "}}").replacing(
      "'", with: "''")
    let script =
      name.allSatisfy { $0.isLetter || $0.isNumber || "_./-".contains($0) } ? name : "'\(quoted)'"
    return """
      # A plan for imwa-run: 'man imwa-plan' tells all keys, 'man imwa-trainer' what a trainer has to do.
      # imwa-run validate plan.yaml; imwa-run start plan.yaml --dir run

      episodes: 20        # how often the members are averaged
      members: 2          # how many models train from one start; 2 or 3 do best
      iterations: 2000    # of each member over all episodes: whatever the trainer counts

      # The weights that everything starts from: a checkpoint, or a command that makes one.
      init:
        command: [python3, \(script), init, --out, "{out}", --seed, "{seed}"]
      suffix: \(suffix)

      # Trains a member from one iteration to another. No shell reads this; a list in the list is left out
      # when a placeholder in it has no value. The same values are in variables such as IMWA_INIT.
      train:
        - python3
        - \(script)
        - train
        - [--init, "{init}", --out, "{out}"]
        - [--state-in, "{state_in}"]
        - [--state-out, "{state_out}"]
        - [--from-iteration, "{from_iteration}", --to-iteration, "{to_iteration}"]
        - [--total, "{total_iterations}"]
        - [--seed, "{episode_seed}"]                 # other data in every episode and member

      seed: 0
      # member_settings: [{lr: 0.05}, {lr: 0.1}]     # values of each member, used as {lr}

      # average: {weights: [0.7, 0.3]}               # the members count the same by default
      # ema: {checkpoints: 0.9}                      # a moving average over the averages; or: trainer
      # state: carry                                 # each member's own optimizer; or: reset, average
      # warm_start: 200                              # iterations of one process before the first episode

      evaluate:           # prints a JSON object such as {"accuracy": 0.93}
        command: [python3, \(script), evaluate, --init, "{init}"]
        metric: balanced_accuracy
        mode: max
        on: [averages]    # and: members, ema
        every: 1          # episode
        # failure: note   # a failed evaluation does not stop the run

      executor: {local: parallel}                    # or: serial, or how many at once; devices: [0, 1]
      # timeout: 2h                                  # of one attempt
      # heartbeat: 10m                               # without any output or file
      attempts: 3
      # environment: {CUDA_VISIBLE_DEVICES: "{slot}", OMP_NUM_THREADS: 1}
      # select: best                                 # the result is the average with the best metric
      # stop: {after: 5}                             # episodes without a better one
      # keep: {averages: all, members: last}         # which files stay on the disk
      # tensorboard: true

      """
  }
}
