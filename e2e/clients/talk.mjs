// How a script talks with the test that runs it, in lines of JSON: it asks for what a
// person does in a browser, and tells how each flow ended.
import { createInterface } from 'node:readline'

/** What the test knows: the issuer, its applications, where answers come back to. */
export const given = JSON.parse(process.env.GUILDHALL_GIVEN)

const waiting = new Map()
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n')

/** A browser whose person signs in where a page asks for it. */
class Browser {
  constructor(flow) {
    this.flow = flow
  }

  /**
   * Opens an address, answers the pages as decided ("allow" or "deny"), and returns
   * where the browser was sent, with the form that it posts there.
   */
  async opens(url, decision = 'allow') {
    const id = waiting.size + 1
    const answer = new Promise((done) => waiting.set(id, done))
    say({ id, flow: this.flow, url: String(url), decision })
    const { url: to, form } = await answer
    return { url: new URL(to), form }
  }
}

/** Runs all flows at once, each with a browser of its own. */
export async function run(flows) {
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const answer = JSON.parse(line)
    waiting.get(answer.id)(answer)
  })
  await Promise.all(
    Object.entries(flows).map(async ([flow, steps]) => {
      try {
        await steps(new Browser(flow))
        say({ flow, done: true })
      } catch (err) {
        say({ flow, done: true, failed: [err.stack, JSON.stringify(err.cause?.parameters ?? err.cause)].join('\n') })
      }
    }),
  )
  lines.close()
}
