import { verdictTable } from "./verdict-table.ts";

await verdictTable("the verdict table on a real API server");
