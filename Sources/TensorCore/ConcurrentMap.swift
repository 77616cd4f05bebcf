import Dispatch
import Synchronization

/// Computes a value for each of some elements, several at once.
///
/// - Throws: the error of the first element, in their order, that has one.
package func concurrentMap<Element: Sendable, Value: Sendable, Failure: Error>(
  _ elements: [Element], _ body: @Sendable (Element) throws(Failure) -> Value
) throws(Failure) -> [Value] {
  if elements.count == 1 { return [try body(elements[0])] }
  let results = Mutex<[Result<Value, Failure>?]>(Array(repeating: nil, count: elements.count))
  DispatchQueue.concurrentPerform(iterations: elements.count) { index in
    let result = Result { () throws(Failure) in try body(elements[index]) }
    results.withLock { $0[index] = result }
  }
  var values: [Value] = []
  values.reserveCapacity(elements.count)
  for result in results.withLock({ $0 }) {
    guard let result else { preconditionFailure("every element was tried") }
    values.append(try result.get())
  }
  return values
}

/// Computes a value for each of many elements, of which a thread takes so many at a time.
///
/// - Throws: the error of an element.
package func concurrentMap<Element: Sendable, Value: Sendable, Failure: Error>(
  _ elements: [Element], share: Int, _ body: @Sendable (Element) throws(Failure) -> Value
) throws(Failure) -> [Value] {
  let parts = try concurrentMap(elements.parts(of: share)) { part throws(Failure) in
    try part.map(body)
  }
  return parts.flatMap { $0 }
}

/// Computes two values at once.
///
/// - Throws: the error of the first, else that of the second.
package func concurrently<First: Sendable, Second: Sendable, Failure: Error>(
  _ first: @Sendable () throws(Failure) -> First, _ second: @Sendable () throws(Failure) -> Second
) throws(Failure) -> (First, Second) {
  let results = Mutex<(first: Result<First, Failure>?, second: Result<Second, Failure>?)>(
    (nil, nil))
  DispatchQueue.concurrentPerform(iterations: 2) { index in
    if index == 0 {
      let result = Result { () throws(Failure) in try first() }
      results.withLock { $0.first = result }
    } else {
      let result = Result { () throws(Failure) in try second() }
      results.withLock { $0.second = result }
    }
  }
  guard case (let first?, let second?) = results.withLock({ $0 }) else {
    preconditionFailure("both were tried")
  }
  return (try first.get(), try second.get())
}

extension Array {
  /// Parts of so many elements, the last of what is left.
  package func parts(of count: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
  }
}
