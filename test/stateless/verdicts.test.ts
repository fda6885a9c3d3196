import { verdictTable } from "../e2e/verdict-table.ts";

await verdictTable("the verdict table, judged by replicas that watch nothing", { stateless: true });
