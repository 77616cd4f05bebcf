/// What a tensor is to the model that it is stored with.
///
/// A format declares the role where the file tells it: by a class, an attribute, the dictionary that holds the
/// tensor. What no file tells is judged by names, dtypes and neighbours, in one place above the formats.
public enum TensorRole: Sendable, Hashable {
  /// A value that training changes and averaging averages.
  case weight
  /// A running statistic of a normalisation, measured on data and not learned.
  case statistic(NormalizationStatistic)
  /// State of an optimizer.
  case optimizerState
  /// A moving average of another tensor of the same checkpoint.
  case movingAverage
  /// Codes of a quantisation, which have no mean.
  case code
  /// What codes are decoded with: scales, zero points, tables.
  case scale
  /// A buffer that is part of the architecture: masks, positions.
  case constant
  /// How far training has come: steps, metrics, states of random numbers and of data loaders.
  case progress
  /// Whole numbers or truth values that nothing explains: counters, indices, codes of an unknown quantisation.
  case integer
}

/// What a running statistic of a normalisation is.
public enum NormalizationStatistic: Sendable, Hashable {
  /// The running mean of the activations.
  case mean
  /// Their running variance.
  case variance
  /// How many batches were seen.
  case batchCount
}
