/// What the keys of configurations mean for the weights that lie beside them.
///
/// The keys are those of transformers (`config.json`, `tokenizer.json`), PEFT (`adapter_config.json`), diffusers and
/// sentence-transformers.
enum ConfigurationKeys {
  /// What tells where, when and how a model was made or is run, not what it computes.
  private static let aboutMaking = [
    "_name_or_path", "name_or_path", "_commit_hash", "_diffusers_version", "transformers_version",
    "peft_version", "keras_version", "date_saved", "__version__", "torch_dtype", "dtype",
    "use_cache",
    "*dropout*", "*_pdrop", "*drop_path*", "initializer_*", "init_lora_weights",
    "gradient_checkpointing",
    "_attn_implementation*", "attn_implementation", "_from_model_config", "output_attentions",
    "output_hidden_states", "return_dict", "torchscript", "inference_mode", "finetuning_task",
    "task_specific_params", "revision", "auto_mapping", "ema_decay", "padding", "truncation",
  ].map { Glob($0) }

  /// What changes what the same tensors compute, and leaves their shapes as they are.
  private static let aboutMeaning = [
    // Activations, attention, positions, norms.
    "hidden_act", "hidden_activation", "activation*", "act_fn", "feed_forward_proj",
    "rope_theta", "rope_scaling", "rope_parameters", "rope_type", "rotary_*",
    "partial_rotary_factor",
    "position_embedding_type", "relative_attention_*", "alibi", "num_attention_heads",
    "num_key_value_heads", "num_heads", "n_head", "n_heads", "head_dim", "attention_head_dim",
    "*layer_norm_eps*", "*layernorm_eps*", "*norm_eps*", "layer_norm_epsilon", "norm_epsilon",
    "sliding_window*", "layer_types", "*softcapping", "query_pre_attn_scalar", "logit_scale",
    "logits_scaling", "*_multiplier", "scale_attn*", "scale_embedding", "parallel_attn",
    "norm_first",
    "pre_norm", "is_decoder", "add_cross_attention", "num_experts_per_tok", "norm_topk_prob",
    "routed_scaling_factor",
    // What answers mean.
    "id2label", "label2id", "problem_type",
    // Quantisation.
    "quantization_config",
    // Adapters.
    "lora_alpha", "r", "target_modules", "rank_pattern", "alpha_pattern", "use_rslora", "use_dora",
    "fan_in_fan_out", "peft_type", "layers_to_transform", "scaling",
    // Pictures.
    "prediction_type", "beta_*", "num_train_timesteps", "scaling_factor", "shift_factor",
    "norm_num_groups", "resnet_time_scale_shift",
    // Sentences.
    "pooling_mode*", "do_lower_case", "include_prompt",
  ].map { Glob($0) }

  /// How much a difference at a path of a configuration matters.
  static func effect(of path: [String], in part: String) -> PartDifference.Effect {
    if isAboutMaking(part)
      || path.contains(where: { key in aboutMaking.contains { $0.matches(key) } })
    {
      return .none
    }
    if part.hasSuffix("tokenizer.json"), let key = path.first {
      return ["model", "added_tokens", "normalizer", "pre_tokenizer"].contains(key)
        ? .behaviour : .possible
    }
    let isMeaning = path.contains { key in aboutMeaning.contains { $0.matches(key) } }
    return isMeaning ? .behaviour : .possible
  }

  /// Whether a part of a checkpoint tells of how it was made: a licence, the record of an average.
  static func isAboutMaking(_ part: String) -> Bool {
    ["LICEN", "NOTICE", "USE_POLICY"].contains { part.hasPrefix($0) }
  }

  /// Whether a part of a file is called like what gives numbers their names.
  static func isVocabulary(_ part: String) -> Bool {
    let words = part.lowercased().split { !$0.isLetter && $0 != "_" && !$0.isNumber }
    return words.contains { word in
      [
        "vocab", "vocabulary", "stoi", "itos", "word2idx", "char2idx", "class_to_idx", "classes",
        "class_names", "label2id", "id2label", "label_names", "token_to_id",
      ].contains(String(word))
    }
  }
}
