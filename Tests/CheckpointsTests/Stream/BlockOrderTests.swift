import Dispatch
import Synchronization
import Testing

@testable import Checkpoints

@Suite struct BlockOrderTests {
  @Test func threadsPassInTheOrderOfTheirPlaces() {
    let order = BlockOrder()
    let seen = Mutex<[Int]>([])
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      while true {
        let block = next.add(1, ordering: .relaxed).oldValue
        guard block < 200, order.waitForTurn(of: block) else { return }
        seen.withLock { $0.append(block) }
        order.pass(to: block + 1)
      }
    }
    #expect(seen.withLock { $0 } == Array(0..<200))
  }

  @Test func whoWaitsForABlockThatFailedIsLetGo() {
    let order = BlockOrder()
    let refused = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 3) { thread in
      if thread == 0 {
        order.stop()
      } else if !order.waitForTurn(of: thread) {
        refused.add(1, ordering: .relaxed)
      }
    }
    #expect(refused.load(ordering: .relaxed) == 2)
    #expect(!order.waitForTurn(of: 0))
  }
}
