import Dispatch
import Synchronization

/// Computes a value for each of some elements, several at once.
///
/// - Throws: the error of the first element, in their order, that has one.
package func concurrentMap<Element: Sendable, Value: Sendable>(
  _ elements: [Element], _ body: @Sendable (Element) throws -> Value
) throws -> [Value] {
  if elements.count == 1 { return [try body(elements[0])] }
  let results = Mutex<[Result<Value, any Error>?]>(Array(repeating: nil, count: elements.count))
  DispatchQueue.concurrentPerform(iterations: elements.count) { index in
    let result = Result { try body(elements[index]) }
    results.withLock { $0[index] = result }
  }
  return try results.withLock { $0 }.map { result in
    guard let result else { preconditionFailure("every element was tried") }
    return try result.get()
  }
}
