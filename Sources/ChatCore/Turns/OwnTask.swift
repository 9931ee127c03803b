/// Runs `work` in a child task, for a caller that lives long and seldom calls as deep again.
///
/// The runtime gives a task's stack in slabs of a kilobyte, and takes them back when the task ends, not when
/// the call does (`StackAllocator` of the Swift runtime). A stream that waits for hours would keep what one
/// request needed, ten kilobytes and more in each of a thousand streams; a child task takes them with it.
/// - Throws: what `work` throws. Cancelling the caller cancels it.
package func inOwnTask<Value: Sendable>(
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    async let value = work()
    return try await value
}
